import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { splitLines } from "../../src/records/lines.js";
import { textInput } from "../../src/records/text-input.js";
import { chunksOf, collect } from "../support/chunks.js";

test.each([1, 2, 3, 100])(
  "textInput removes a byte order mark only at the start (chunks of %i bytes)",
  async (size) => {
    const read = (text: string) => collect(splitLines(textInput(chunksOf(text, size)), 100));
    expect(await read("\ufeffa\n\ufeffb")).toEqual([
      { number: 1, text: "a" },
      { number: 2, text: "\ufeffb" },
    ]);
    expect(await read("a")).toEqual([{ number: 1, text: "a" }]);
    expect(await read("")).toEqual([]);
  },
);

test.each([1, 2, 3, 100])("textInput rejects gzip and UTF-16 (chunks of %i bytes)", async (size) => {
  const read = (bytes: Uint8Array) => collect(splitLines(textInput(chunksOf(bytes, size)), 1000));
  await expect(read(gzipSync("key,value\n"))).rejects.toThrow("gzip");
  await expect(read(Buffer.from("\ufeffkey", "utf16le"))).rejects.toThrow("UTF-16");
  await expect(read(Buffer.from("k", "utf16le"))).rejects.toThrow("UTF-16LE");
  await expect(read(Buffer.from("\0k\0\n"))).rejects.toThrow("UTF-16BE");
});

test.each(["BZh", "PK", "PAR1", "Obj", "REDIS0011", "SQLite format 3"])(
  "textInput accepts text that starts like a binary file (%s)",
  async (text) => {
    expect(await collect(splitLines(textInput(chunksOf(text, 1)), 1000))).toEqual([{ number: 1, text }]);
  },
);

test("textInput yields a short first line without waiting for more bytes", async () => {
  async function* endless(): AsyncGenerator<Buffer> {
    yield Buffer.from("a\n");
    await new Promise(() => {});
  }
  expect(await textInput(endless()).next()).toMatchObject({ value: Buffer.from("a\n") });
});
