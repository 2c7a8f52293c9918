import { readFileSync } from "node:fs";
import { randomName } from "@manykv/test-services";
import { serviceUrl } from "@manykv/test-services/vitest";
import { expect, test } from "vitest";
import { openStore } from "../../src/index.js";
import { endOf, startCommand } from "../support/command.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const folder = temporaryFolder();
const store = serviceUrl("redis");

test("an import continues after its standard error is closed, and its report is complete", async () => {
  const bucket = randomName();
  const report = folder.path("unread.ndjson");
  const input = `${'{"key":"a","value":"1"}\nnot JSON\n'.repeat(20)}{"key":"last","value":"2"}\n`;
  // With many batches, the first message comes long before the last record is sent.
  const args = ["import", "-b", bucket, "--batch-size", "2", "--on-error", "continue", "--report", report];
  const child = startCommand(args, { store });
  const ended = endOf(child);
  child.stderr?.destroy();
  child.stdin?.end(input);
  expect((await ended).code).toBe(1);
  const lines = readFileSync(report, "utf8").trimEnd().split("\n");
  expect(lines).toHaveLength(21);
  expect(JSON.parse(lines.at(-1) ?? "")).toMatchObject({ totals: { applied: 21, complete: true } });
  await using opened = await openStore(store);
  expect(await (await opened.open(bucket)).exists("last")).toBe(true);
});

test("an import that wrote everything succeeds even if its standard error is closed", async () => {
  const child = startCommand(["import", "-b", randomName()], { store });
  const ended = endOf(child);
  child.stderr?.destroy();
  child.stdin?.end('{"key":"a","value":"1"}\n');
  expect((await ended).code).toBe(0);
});

test.each([
  [["help", "import"], 0],
  [["--help"], 0],
  [["--version"], 0],
  // This command sets nothing.
  [["set", "key", "--help"], 2],
] as const)("%j keeps its exit code if standard output is closed", async (args, code) => {
  const child = startCommand([...args]);
  const ended = endOf(child);
  child.stdout?.destroy();
  expect(await ended).toMatchObject({ code, stderr: "" });
});
