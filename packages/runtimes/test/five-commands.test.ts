import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { randomName, startDedicatedRedis } from "@manykv/test-services";
import { serviceUrl } from "@manykv/test-services/vitest";
import { Client } from "pg";
import { afterAll, expect, test } from "vitest";
import { environment } from "./support/application.js";

const manykv = fileURLToPath(new URL("../../manykv", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "manykv-five-commands-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("the five commands of the README import, export, test, measure and move the data", async () => {
  const readme = readFileSync(join(manykv, "README.md"), "utf8");
  const [, written = ""] = /five commands show.*?```sh\n(.*?)```/s.exec(readme) ?? [];
  expect(written.match(/^npx manykv /gm)).toHaveLength(5);

  await using redis = await startDedicatedRedis();
  const database = randomName();
  const admin = new Client(serviceUrl("postgres"));
  await admin.connect();
  await admin.query(`CREATE DATABASE "${database}"`);
  const target = Object.assign(new URL(serviceUrl("postgres")), { pathname: `/${database}` }).href;
  try {
    // What `npm install manykv` would create, so that npx finds the command.
    mkdirSync(join(folder, "node_modules", ".bin"), { recursive: true });
    symlinkSync(manykv, join(folder, "node_modules", "manykv"));
    symlinkSync("../manykv/dist/command/main.js", join(folder, "node_modules", ".bin", "manykv"));
    const records = ['{"key":"de","value":"Germany"}', '{"key":"fr","value":"France"}'];
    writeFileSync(join(folder, "countries.ndjson"), `${records.join("\n")}\n`);

    const script = written
      .replace("redis://localhost:6379", redis.url)
      .replace("postgres://localhost:5432/shop", `"${target}"`);
    expect(await runShell(`set -e\n${script}`)).toMatchObject({ exitCode: 0 });

    expect(readFileSync(join(folder, "backup.ndjson"), "utf8").trimEnd().split("\n").sort()).toEqual(records);
    expect(readFileSync(join(folder, "conformance.html"), "utf8")).toContain("<h1>Conformance report</h1>");
    expect(readFileSync(join(folder, "bench.html"), "utf8")).toContain("<h1>");
    const moved = await runShell(`npx manykv export --store "${target}" --quiet`);
    expect(moved.output.trimEnd().split("\n").sort()).toEqual(records);
  } finally {
    await admin.query(`DROP DATABASE "${database}" WITH (FORCE)`);
    await admin.end();
  }
});

function runShell(script: string): Promise<{ readonly exitCode: number | null; readonly output: string }> {
  const child = spawn("sh", ["-c", script], {
    cwd: folder,
    env: { ...environment, NODE_NO_WARNINGS: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (exitCode) => resolve({ exitCode, output }));
  });
}
