import { chmodSync, lstatSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { randomName } from "@manykv/test-services";
import { serviceUrl } from "@manykv/test-services/vitest";
import { expect, test } from "vitest";
import { runCommand } from "../support/command.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const folder = temporaryFolder();
const store = serviceUrl("redis");
const line = '{"key":"k","value":"v"}\n';

test("an export that fails at a value counts only the records that it wrote", async () => {
  const bucket = randomName();
  await runCommand(["set", "-b", bucket, "--encoding", "hex", "k", "ff".repeat(1000)], { store });
  const path = folder.path("bytes.csv");
  const { code, stderr } = await runCommand(["export", "-b", bucket, path], { store });
  expect(stderr).toMatch(/^manykv: incomplete: exported only 0 records, 0 bytes in /);
  expect(code).toBe(1);
  expect(folder.names().filter((name) => name.startsWith("bytes."))).toEqual([]);
});

/** Creates a bucket with one record and exports it to a file. */
async function exportTo(path: string): Promise<void> {
  const bucket = randomName();
  expect(await runCommand(["import", "-b", bucket], { store, input: line })).toMatchObject({ code: 0 });
  expect(await runCommand(["export", "-b", bucket, path], { store })).toMatchObject({ code: 0 });
}

test("an export does not change other files", async () => {
  const other = folder.file("some.ndjson.part", "another file");
  await exportTo(folder.path("some.ndjson"));
  expect(readFileSync(other, "utf8")).toBe("another file");
  expect(readFileSync(folder.path("some.ndjson"), "utf8")).toBe(line);
  expect(folder.names().filter((name) => name.startsWith("some."))).toHaveLength(2);
});

test("a replaced file keeps its mode, and a new file has the default mode", async () => {
  const path = folder.file("private.ndjson", "old");
  for (const mode of [0o600, 0o666]) {
    chmodSync(path, mode);
    await exportTo(path);
    expect(readFileSync(path, "utf8")).toBe(line);
    expect(statSync(path).mode & 0o777).toBe(mode);
  }
  await exportTo(folder.path("new.ndjson"));
  expect(statSync(folder.path("new.ndjson")).mode).toBe(statSync(folder.file("plain", "")).mode);
});

test("an export through a symbolic link writes the target and keeps the link", async () => {
  const path = folder.file("behind.ndjson", "old");
  symlinkSync("behind.ndjson", folder.path("link.ndjson"));
  symlinkSync("not-yet.ndjson", folder.path("dangling.ndjson"));
  await exportTo(folder.path("link.ndjson"));
  await exportTo(folder.path("dangling.ndjson"));
  for (const name of ["link.ndjson", "dangling.ndjson"])
    expect(lstatSync(folder.path(name)).isSymbolicLink()).toBe(true);
  expect(readFileSync(path, "utf8")).toBe(line);
  expect(readFileSync(folder.path("not-yet.ndjson"), "utf8")).toBe(line);
});
