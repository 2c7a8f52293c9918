import { statSync } from "node:fs";
import { randomName } from "@manykv/test-services";
import { serviceUrl } from "@manykv/test-services/vitest";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openStore } from "../../src/index.js";
import { endOf, runCommand, runOnTerminal, startCommand } from "../support/command.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const folder = temporaryFolder();
const url = serviceUrl("redis");
const bucket = randomName();
const keys = Array.from({ length: 60_000 }, (_, index) => `key:${index}`);

beforeAll(async () => {
  await using store = await openStore(url);
  const value = Buffer.alloc(200, "x");
  await (await store.open(bucket)).setMany(keys.map((key) => [key, value]));
});

afterAll(async () => {
  await using store = await openStore(url);
  await (await store.open(bucket)).deleteMany(keys);
});

test.each(["export", "list", "get"])("%s ends without a message when its reader closes the pipe", async (command) => {
  const args = command === "get" ? ["--keys-from", "-"] : [];
  const child = startCommand([command, "-b", bucket, ...args], { store: url });
  const ended = endOf(child);
  child.stdin?.end(`${keys.join("\n")}\n`);
  child.stdout?.once("data", () => child.stdout?.destroy());
  const { code, stderr } = await ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
});

test("an interrupted export removes its file and reports that it is incomplete", async () => {
  const path = folder.path("interrupted.ndjson");
  // Small batches make the export slow enough to interrupt it.
  const child = startCommand(["export", "-b", bucket, "--batch-size", "5", path], { store: url });
  const ended = endOf(child);
  const parts = (): string[] => folder.names().filter((name) => name.startsWith("interrupted.ndjson"));
  const begun = (): boolean => parts().some((name) => statSync(folder.path(name)).size > 0);
  await expect.poll(begun, { timeout: 30_000, interval: 5 }).toBe(true);
  child.kill("SIGINT");
  const { code, stderr } = await ended;
  expect(stderr).toMatch(/^manykv: incomplete: exported only [\d,]+ records/);
  expect(code).toBe(130);
  expect(parts()).toEqual([]);
});

test("without a terminal, no progress is shown", async () => {
  const { stderr } = await runCommand(["export", "-b", bucket, folder.path("quiet.ndjson")], { store: url });
  expect(stderr).toMatch(/^manykv: exported 60,000 records, .*\n$/);
});

test("on a terminal, a pipe of two commands shows the progress of the last one only", async () => {
  const alone = await runOnTerminal(`manykv export -b ${bucket} ${folder.path("alone.ndjson")}`, { store: url });
  expect(alone.stdout.toString()).toContain("exporting");
  const copy = randomName();
  const script = `manykv export -b ${bucket} | manykv import -b ${copy}; manykv clear -b ${copy} --yes --quiet`;
  const piped = (await runOnTerminal(script, { store: url })).stdout.toString();
  expect(piped).toContain("importing");
  expect(piped).not.toContain("exporting");
  for (const done of ["exported", "imported"]) expect(piped).toContain(`manykv: ${done} 60,000 records`);
});
