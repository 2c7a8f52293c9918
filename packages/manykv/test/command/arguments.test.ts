import { randomName } from "@manykv/test-services";
import { serviceUrl } from "@manykv/test-services/vitest";
import { expect, test } from "vitest";
import { runCommand, runShell } from "../support/command.js";

const store = serviceUrl("redis");

test("keys and values after -- can start with a dash", async () => {
  const bucket = randomName();
  for (const [key, value] of [
    ["-k", "-v"],
    ["--store", "--help"],
    ["--", "-"],
    ["-", "--"],
  ] as const) {
    expect(await runCommand(["set", "-b", bucket, "--", key, value], { store })).toMatchObject({ code: 0, stderr: "" });
    expect((await runCommand(["get", "-b", bucket, "--", key], { store })).stdout.toString()).toBe(value);
  }
  expect(await runCommand(["set", "-b", bucket, "n", "-5"], { store })).toMatchObject({ code: 0 });
  expect((await runCommand(["get", "-b", bucket, "n"], { store })).stdout.toString()).toBe("-5");
});

test.each(["-v", "--version", "-h", "--help", "-x"])("the value %s without -- is a usage error", async (value) => {
  const bucket = randomName();
  expect((await runCommand(["set", "-b", bucket, "k", value], { store })).code).toBe(2);
  expect((await runCommand(["delete", "-b", bucket, "k", value], { store })).code).toBe(2);
  expect((await runCommand(["list", "-b", bucket], { store })).stdout.toString()).toBe("");
});

test.each([
  ["a key", `manykv set "$(printf 'k\\351')" v`],
  ["a value", `manykv set k "$(printf 'v\\377')"`],
  ["half of a surrogate pair", `manykv set "$(printf 'k\\355\\240\\200')" v`],
  ["a key to delete", `manykv delete k "$(printf 'k\\351')"`],
  ["a key to get", `manykv get "$(printf 'k\\351')"`],
  ["a file", `manykv export "$(printf 'caf\\351.ndjson')"`],
  ["a prefix", `manykv list --prefix="$(printf 'k\\351')"`],
  ["the character U+FFFD, which may replace such bytes", "manykv get k\ufffd"],
])("bytes that are not UTF-8 are rejected, not replaced: %s", async (_, script) => {
  const { code, stdout, stderr } = await runShell(script, { store });
  expect(stderr).toMatch(/^manykv: argument \d is not UTF-8/);
  expect(code).toBe(2);
  expect(stdout.toString()).toBe("");
});

test("a store URL that is not UTF-8 is rejected", async () => {
  const { code, stderr } = await runShell(`export MANYKV_STORE="$(printf 'redis://:p\\351@h')"; manykv list`, {});
  expect(stderr).toContain("the store URL is not UTF-8");
  expect(code).toBe(2);
});

test.each([
  [["set", "k", "--file", "a", "--file", "b"]],
  [["get", "--keys-from", "a", "--keys-from", "b"]],
  [["delete", "--keys-from", "a", "--keys-from", "b"]],
  [["list", "--prefix", "a", "--prefix", "b"]],
  [["export", "--prefix", "a", "--prefix", "b"]],
  [["delete", "--prefix", "a", "--prefix", "b"]],
  [["set", "k", "v", "--ttl", "1s", "--ttl", "2s"]],
  [["set", "k", "--file", "", "--file", "b"]],
  [["get", "k", "--bucket", "a", "-b", "b"]],
  [["provision", "--store", "memory:", "--store", "memory:"]],
  [["import", "--format", "csv", "--format", "ndjson"]],
  [["import", "--key-column", "a", "--key-column", "b"]],
  [["import", "--report", "a", "--report", "b"]],
])("%j is a usage error, because the first option would be ignored", async (args) => {
  const { code, stderr } = await runCommand(args, { store });
  expect(stderr).toContain("Pass this option only once");
  expect(code).toBe(2);
});

test("--keys-format with keys as arguments is a usage error", async () => {
  const { code, stderr } = await runCommand(["delete", "--keys-format", "json", '"a"'], { store });
  expect(stderr).toContain("--keys-format applies only to --keys-from");
  expect(code).toBe(2);
});
