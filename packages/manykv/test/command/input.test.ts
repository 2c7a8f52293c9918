import { appendFileSync, closeSync, openSync, truncateSync } from "node:fs";
import { expect, test } from "vitest";
import { openInput } from "../../src/command/input.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const folder = temporaryFolder();
const size = 4 * 1024 * 1024;
const { signal } = new AbortController();

/** Reads a file, calls `change` after the first bytes, and returns the number of bytes. */
async function readWhile(path: string, change: () => void): Promise<number> {
  const { chunks, position } = await openInput(path, signal);
  for await (const chunk of chunks) if (position() === chunk.length) change();
  return position();
}

test("an input that becomes shorter while it is read is an error", async () => {
  const path = folder.file("rotated.ndjson", "x".repeat(size));
  const reading = readWhile(path, () => truncateSync(path, 300_000));
  await expect(reading).rejects.toThrow("it became shorter while it was read, so its end is missing");
});

test("so is a descriptor that the shell opened", async () => {
  const path = folder.file("redirected.ndjson", "x".repeat(size));
  const descriptor = openSync(path, "r");
  await expect(readWhile(`/dev/fd/${descriptor}`, () => truncateSync(path, 0))).rejects.toThrow("became shorter");
  expect(() => closeSync(descriptor)).toThrow("EBADF");
});

test("an input that grows while it is read is read to its new end", async () => {
  const path = folder.file("growing.ndjson", "x".repeat(size));
  expect(await readWhile(path, () => appendFileSync(path, "end"))).toBe(size + 3);
});
