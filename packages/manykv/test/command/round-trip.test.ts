import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { randomName } from "@manykv/test-services";
import { beforeAll, describe, expect, test } from "vitest";
import { formatRecord } from "../../src/records/ndjson.js";
import { type Ended, runCommand, withoutWarnings } from "../support/command.js";
import { storeUrls } from "../support/stores.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const folder = temporaryFolder();
const oddKeys = ["\u0000", "__proto__", "a\nb", "a\r", "\ufeffbom", "a,b", '"', "日本", "😀", " ", "x".repeat(1024)];
const records = new Map<string, Uint8Array>([
  ...oddKeys.map((key, index) => [key, randomBytes(index * 50)] as const),
  ["", Buffer.from("value of the empty key")],
  ["empty", Buffer.alloc(0)],
  ["bom", Buffer.from("\ufefftext")],
  ["lines", Buffer.from("a\r\nb\n\n")],
  ["large", randomBytes(300_000)],
  ...Array.from({ length: 3000 }, (_, index) => [`plain:${index}`, Buffer.from(`value ${index}`)] as const),
]);
const ndjson = Array.from(records, (record) => `${formatRecord(record)}\n`).join("");

function sortedLines(text: string | Buffer): string[] {
  return text.toString().trimEnd().split("\n").sort();
}

describe.each(Object.entries(storeUrls))("on %s", (_, store) => {
  const bucket = randomName();
  const manykv = (command: string, args: string[], input?: string | Uint8Array): Promise<Ended> =>
    runCommand([command, "--bucket", bucket, ...args], { store, ...(input !== undefined && { input }) });

  beforeAll(async () => {
    expect(await runCommand(["provision"], { store })).toMatchObject({ code: 0, stderr: "" });
    expect(await runCommand(["provision"], { store })).toMatchObject({ code: 0, stderr: "" });
    const imported = await manykv("import", [], ndjson);
    expect(withoutWarnings(imported.stderr)).toMatch(/^manykv: imported 3,016 records, .* in .* s\n$/);
    expect(imported.code).toBe(0);
  });

  test("export writes the records that import read, byte for byte", async () => {
    const exported = await manykv("export", []);
    expect(exported).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^manykv: exported 3,016 records/),
    });
    expect(sortedLines(exported.stdout)).toEqual(sortedLines(ndjson));
  });

  test("a CSV file with base64 represents every record, and an import is safe to repeat", async () => {
    const path = folder.path(`${bucket}.csv`);
    expect(await manykv("export", ["--encoding", "base64", path])).toMatchObject({ code: 0 });
    const copy = `${bucket}-copy`;
    for (let time = 0; time < 2; time++) {
      const imported = await runCommand(["import", "-b", copy, "--encoding", "base64", path], { store });
      expect(imported).toMatchObject({ code: 0 });
    }
    const exported = await runCommand(["export", "-b", copy], { store });
    expect(sortedLines(exported.stdout)).toEqual(sortedLines(ndjson));
    expect(readFileSync(path, "utf8").startsWith("key,value,ttl\n")).toBe(true);
  });

  test("get prints the bytes of one value", async () => {
    const { code, stdout, stderr } = await manykv("get", ["large"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.equals(records.get("large") ?? Buffer.alloc(0))).toBe(true);
    expect((await manykv("get", ["empty"])).stdout).toHaveLength(0);
  });

  test("get prints the records of several keys and fails if one key is missing", async () => {
    const some = ["plain:7", "missing", "bom", ""];
    const { code, stdout, stderr } = await manykv("get", some);
    const expected = some.flatMap((key) => {
      const value = records.get(key);
      return value === undefined ? [] : [`${formatRecord([key, value])}\n`];
    });
    expect(stdout.toString()).toBe(expected.join(""));
    expect(stderr).toBe('manykv: no value for the key "missing"\n');
    expect(code).toBe(1);
  });

  test("set reads the value from an argument, a file and standard input", async () => {
    const bytes = randomBytes(70_000);
    const sets = await Promise.all([
      manykv("set", ["--encoding", "hex", "set:1", "00ff"]),
      manykv("set", ["--file", folder.file(bucket, bytes), "set:2"]),
      manykv("set", ["--file", "-", "set:3"], bytes),
      manykv("set", ["set:4", "--", "-text-"]),
    ]);
    for (const set of sets) expect(set).toMatchObject({ code: 0, stderr: "" });
    const gets = await Promise.all([1, 2, 3, 4].map((number) => manykv("get", [`set:${number}`])));
    const expected = [Buffer.from([0, 255]), bytes, bytes, Buffer.from("-text-")];
    expect(gets.map(({ stdout }, index) => stdout.equals(expected[index] ?? Buffer.alloc(0)))).toEqual(
      expected.map(() => true),
    );
    expect(await manykv("delete", ["set:1", "set:2", "set:3", "set:4"])).toMatchObject({ code: 0 });
    expect(await manykv("get", ["set:1"])).toMatchObject({ code: 1, stdout: Buffer.alloc(0) });
  });

  test("list prints one key per line and stops at a key that a line cannot represent", async () => {
    const listed = await manykv("list", ["--prefix", "plain:"]);
    expect(listed).toMatchObject({ code: 0, stderr: "" });
    expect(new Set(sortedLines(listed.stdout))).toEqual(
      new Set([...records.keys()].filter((key) => key.startsWith("plain:"))),
    );
    const all = await manykv("list", []);
    expect(all).toMatchObject({ code: 1, stderr: expect.stringContaining("--format json") });
    const json = await manykv("list", ["--format", "json"]);
    expect(new Set(sortedLines(json.stdout))).toEqual(new Set([...records.keys()].map((key) => JSON.stringify(key))));
  });

  test("delete deletes only the keys that list printed", async () => {
    const copy = `${bucket}-delete`;
    const inCopy = (command: string, args: string[], input?: string | Uint8Array): Promise<Ended> =>
      runCommand([command, "-b", copy, ...args], { store, ...(input !== undefined && { input }) });
    await inCopy("import", [], ndjson);
    const odd = (await inCopy("list", ["--format", "json"])).stdout
      .toString()
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith('"plain:'));
    const deleted = await inCopy("delete", ["--keys-from", "-", "--keys-format", "json"], odd.join("\n"));
    expect(deleted).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^manykv: deleted 16 records, /),
    });
    const left = sortedLines((await inCopy("export", [])).stdout);
    expect(left).toEqual(sortedLines(ndjson).filter((line) => line.startsWith('{"key":"plain:')));
    await inCopy("delete", ["--keys-from", "-"], (await inCopy("list", [])).stdout);
    expect((await inCopy("list", [])).stdout).toHaveLength(0);
  });
});
