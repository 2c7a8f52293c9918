import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { exitCode } from "../../src/command/errors.js";
import { runCommand } from "../support/command.js";
import { storeUrls } from "../support/stores.js";

const names = [
  "import",
  "export",
  "get",
  "set",
  "increment",
  "delete",
  "clear",
  "list",
  "count",
  "buckets",
  "provision",
  "sweep",
  "doctor",
];

test("--version prints the package's version", async () => {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  expect(await runCommand(["--version"])).toMatchObject({ code: 0, stderr: "" });
  expect((await runCommand(["-v"])).stdout.toString()).toBe(`${version}\n`);
});

test("--help lists the subcommands, the stores, the exit codes and examples", async () => {
  const { code, stdout } = await runCommand(["--help"]);
  expect(code).toBe(0);
  for (const word of [...names, "conformance", "redis+cluster://", "dynamodb://", "Exit codes", "130", "Examples"]) {
    expect(stdout.toString()).toContain(word);
  }
});

test.each(names)("%s --help lists its options and an example", async (name) => {
  const { code, stdout } = await runCommand([name, "--help"]);
  expect(code).toBe(0);
  expect(stdout.toString()).toContain("--store <url>");
  expect(stdout.toString()).toMatch(/Examples?\n {2}.*manykv/);
});

test.each([
  [
    ["conformance", "--help"],
    ["--level <name>", "--html <file>", "--init [file]", "report [options] <files...>"],
  ],
  [
    ["bench", "--help"],
    ["--sizes <counts>", "--max-keys <count>", "--html <file>", "--quiet"],
  ],
  [
    ["conformance", "report", "--help"],
    ["--html <file>", "--junit <file>"],
  ],
])("%j lists its options and an example", async (args, options) => {
  const { code, stdout } = await runCommand(args);
  expect(code).toBe(0);
  for (const option of options) expect(stdout.toString()).toContain(option);
  expect(stdout.toString()).toMatch(/Examples?\n {2}.*manykv/);
});

test("the help and the README list every exit code", async () => {
  const { stdout } = await runCommand(["--help"]);
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  for (const code of Object.values(exitCode)) {
    const row = code === exitCode.terminated ? / 143 by SIGTERM/ : new RegExp(`^(\\| |  )${code} +\\S`, "m");
    expect(stdout.toString()).toMatch(row);
    expect(readme).toMatch(row);
  }
});

test("without a subcommand, the command prints its help and fails", async () => {
  const { code, stderr } = await runCommand([]);
  expect(code).toBe(2);
  expect(stderr).toContain("Usage: manykv");
});

test.each([
  [["imprt"], "unknown command 'imprt'"],
  [["get", "k"], "set MANYKV_STORE or pass --store"],
  [["get", "k", "--store", ""], "set MANYKV_STORE or pass --store"],
  [["get", "-s", "memory:"], "pass keys either as arguments or with --keys-from"],
  [["get", "-s", "memory:", "k", "--keys-from", "-"], "pass keys either as arguments or with --keys-from"],
  [["get", "-s", "memory:", "a", "b", "--format", "raw"], "without a separator"],
  [["set", "-s", "memory:", "k"], "pass the value either as an argument or with --file"],
  [["set", "-s", "memory:", "k", "v", "--file", "-"], "pass the value either as an argument or with --file"],
  [["set", "-s", "memory:", "k", "0g", "--encoding", "hex"], "the value is not hex"],
  [["set", "-s", "memory:", "k", "--file", "-", "--encoding", "hex"], "--encoding applies only to a value that is an"],
  [["import", "-s", "memory:", "--batch-size", "0"], "an integer of 1 or more"],
  [["import", "-s", "memory:", "--timeout", "soon"], "with a unit, such as 500ms"],
  [["set", "-s", "memory:", "k", "v", "--ttl", "0s"], "with a unit, such as 500ms, 30s, 30m, 12h or 7d"],
  [["set", "-s", "memory:", "k", "v", "--ttl", "30"], "Add a unit: 30ms, 30s, 30m, 30h or 30d."],
  [["set", "-s", "memory:", "k", "v", "--ttl", "1.5h"], "with a unit, such as 500ms, 30s, 30m, 12h or 7d"],
  [["set", "-s", "memory:", "k", "v", "--ttl", "-5s"], "with a unit, such as 500ms, 30s, 30m, 12h or 7d"],
  [["import", "-s", "memory:", "--ttl", "104249992d"], "with a unit, such as 500ms, 30s, 30m, 12h or 7d"],
  [["increment", "-s", "memory:", "k", "1.5"], "Pass a signed 64-bit integer"],
  [["increment", "-s", "memory:", "k", "9223372036854775808"], "Pass a signed 64-bit integer"],
  [["increment", "-s", "memory:", "k", "-9223372036854775809"], "Pass a signed 64-bit integer"],
  [["delete", "-s", "memory:"], "pass keys either as arguments, with --keys-from or with --prefix"],
  [
    ["delete", "-s", "memory:", "k", "--prefix", "a", "--yes"],
    "pass keys either as arguments, with --keys-from or with --prefix",
  ],
  [
    ["delete", "-s", "memory:", "--keys-from", "-", "--prefix", "a", "--yes"],
    "pass keys either as arguments, with --keys-from or with --prefix",
  ],
  [["delete", "-s", "memory:", "--prefix", "", "--yes"], "to delete all keys, run manykv clear"],
  [["delete", "-s", "memory:", "--prefix", "a"], "pass --yes to delete the keys, or --dry-run to count them"],
  [["delete", "-s", "memory:", "k", "--dry-run"], "--yes and --dry-run apply only to --prefix"],
  [["delete", "-s", "memory:", "k", "--yes"], "--yes and --dry-run apply only to --prefix"],
  [["clear", "-s", "memory:"], "pass --yes to delete the keys, or --dry-run to count them"],
  [["count", "-s", "memory:", "--prefix", "k".repeat(1025)], "1,024 bytes"],
  [["import", "-s", "memory:", "--ttl-column", "ms"], "--ttl-column requires --format csv"],
  [["export", "-s", "memory:", "-f", "csv", "--value-column", "ttl"], "--ttl-column"],
  [["import", "-s", "memory:", "--on-error", "hope"], "Allowed choices are stop, continue"],
  [["import", "-s", "memory:", "--encoding", "hex"], "--encoding requires --format csv"],
  [["import", "-s", "memory:", "--format", "csv", "--key-field", "id"], "--key-field requires --format ndjson"],
  [["export", "-s", "memory:", "--key-column", "id"], "--key-column requires --format csv"],
  [["export", "-s", "memory:", "--delimiter", ";"], "--delimiter requires --format csv"],
  [["import", "-s", "memory:", "-f", "csv", "--delimiter", ";;"], "Pass one character"],
  [["import", "-s", "memory:", "-f", "csv", "--delimiter", '"'], "Pass one character"],
  [["import", "-s", "memory:", "-f", "csv", "--value-column", "key"], "must name different columns"],
  [["list", "-s", "memory:", "extra"], "too many arguments"],
  [["list", "-s", "mongodb://h"], 'unknown URL scheme "mongodb:"'],
  [["list", "-s", "redis://h\n"], "the URL contains a space, a line break or another control character"],
  [["list", "-s", "memory:?size=1"], 'unknown URL parameter "size"'],
  [["set", "-s", "memory:", "k".repeat(1025), "v"], "1024"],
  [["list", "-s", "memory:", "-b", "a b"], "[A-Za-z0-9_.-]"],
])("%j is a usage error", async (args, message) => {
  const { code, stdout, stderr } = await runCommand(args);
  expect(stderr).toContain(message);
  expect(stderr).not.toContain("    at ");
  expect(code).toBe(2);
  expect(stdout.toString()).toBe("");
});

test.each([
  [["--stor=redis://me:topsecret@host"]],
  [["redis://me:topsecret@host"]],
  [["list", "redis://me:topsecret@host"]],
  [["list", "--store", "redsi://me:topsecret@host"]],
  [["list", "--store", "redis://me:topsecret@host:70000"]],
  [["list", "--store", "postgres://me:top?secret@host/db"]],
])("%j: the message does not contain the password", async (args) => {
  const { code, stderr } = await runCommand(args);
  expect(code).toBe(2);
  expect(stderr).not.toMatch(/topsecret|secret@/);
});

test.each(["postgres", "dynamodb"] as const)(
  "%s: the message about a missing table names the subcommand that creates it",
  async (backend) => {
    const { code, stderr } = await runCommand(["list"], { store: storeUrls[backend] });
    expect(stderr).toMatch(/^manykv: .* `manykv provision` creates a table\.\n$/);
    expect(code).toBe(3);
  },
);

test.each([
  [["import", "-s", "memory:", "/missing/file"], "no such file or directory"],
  [["import", "-s", "memory:", "/"], "it is a directory"],
  [["export", "-s", "memory:", "/missing/file"], "no such file or directory"],
  [["import", "-s", "memory:", "-", "--report", "/missing/file"], "no such file or directory"],
  [["delete", "-s", "memory:", "--keys-from", "/missing/file"], "no such file or directory"],
  [["set", "-s", "memory:", "k", "--file", "/missing/file"], "no such file or directory"],
])("%j: the message names the file and the reason", async (args, message) => {
  const { code, stderr } = await runCommand(args);
  expect(stderr).toMatch(/^manykv: cannot (read|write) "/);
  expect(stderr).toContain(message);
  expect(code).toBe(4);
});
