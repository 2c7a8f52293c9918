import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import { promisify } from "node:util";
import { postgresStore } from "@manykv/postgres";
import { startDedicatedPostgres } from "@manykv/test-services";
import { expect, test } from "vitest";
import { startPgbouncer } from "./servers/pgbouncer.js";

const command = join(createRequire(import.meta.url).resolve("manykv/package.json"), "../dist/command/main.js");

/** Runs `manykv doctor --json`. Rejects if its exit code is not 0. */
async function examine(url: string): Promise<{ topology: string; alarms: string[]; messages: string }> {
  const { stdout } = await promisify(execFile)(process.execPath, [command, "doctor", url, "--json"]);
  const { topology, findings } = JSON.parse(stdout) as {
    topology: string;
    findings: { code: string; severity: string; message: string }[];
  };
  const alarms = findings.filter(({ severity }) => severity !== "note");
  return {
    topology,
    alarms: alarms.map(({ code }) => code),
    messages: alarms.map(({ message }) => message).join("\n"),
  };
}

test.each(["session", "transaction"] as const)(
  "manykv doctor finds PgBouncer in %s mode, and nothing at the server behind it",
  async (mode) => {
    await using postgres = await startDedicatedPostgres({ durable: true });
    await using store = postgresStore({ url: postgres.url });
    await store.provision();
    await using pgbouncer = await startPgbouncer(postgres, mode);
    const behind = await examine(pgbouncer.url);
    expect(behind).toMatchObject({ topology: "pooler", alarms: ["cannot-settle"] });
    expect(behind.messages).toContain("connect directly to the server");
    expect(await examine(postgres.url)).toMatchObject({ topology: "single", alarms: [] });
  },
);
