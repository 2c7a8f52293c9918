import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { startDedicatedRedis } from "@manykv/test-services";
import { expect, test } from "vitest";
import { runShell, withoutWarnings } from "../support/command.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const folder = temporaryFolder();

test("the README's commands about expiry, counters and prefixes print what it says", async () => {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  const script = /### Expiry, counters and prefixes\n\n```sh\n(.*?)```/s.exec(readme)?.[1] ?? "";
  const sessions = '{"key":"session:1","value":"a"}\n{"key":"session:2","value":"b","ttl":1000000}\n';
  const path = dirname(folder.file("sessions.ndjson", sessions));
  // An empty Redis, because the commands use the default bucket and print the names of all buckets.
  await using server = await startDedicatedRedis();
  const { code, stdout, stderr } = await runShell(`set -e\ncd ${path}\n${script}`, { store: server.url });
  expect(stdout.toString().split("\n")).toEqual(["1", "-4", "2", "2", "0", ""]);
  expect(withoutWarnings(stderr).replaceAll(/, .* s$/gm, "")).toBe(
    [
      "manykv: imported 2 records",
      "manykv: would delete 2 records",
      "manykv: deleted 2 records",
      "manykv: exported 2 records",
      "manykv: deleted 2 records",
      "",
    ].join("\n"),
  );
  expect(code).toBe(0);
  expect(readFileSync(folder.path("countries.csv"), "utf8")).toMatch(
    /^key,value,ttl\n.*lock:nightly,worker-7,1[78]\d{5}\n/s,
  );
});
