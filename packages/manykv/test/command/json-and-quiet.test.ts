import { randomName } from "@manykv/test-services";
import { serviceUrl } from "@manykv/test-services/vitest";
import { afterAll, describe, expect, test } from "vitest";
import { createProgram } from "../../src/command/program.js";
import { type Ended, runCommand, withoutWarnings } from "../support/command.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const folder = temporaryFolder();
const store = serviceUrl("redis");
const bucket = randomName();
afterAll(() => runCommand(["clear", "--yes", "--bucket", bucket], { store }));

const records = { one: '{"key":"a","value":"1"}', two: '{"key":"b","value":"2"}' };
const file = folder.file("records.ndjson", `${records.one}\n${records.two}\n`);

function run(name: string, ...args: string[]): Promise<Ended> {
  return runCommand([name, ...(name === "buckets" ? [] : ["--bucket", bucket]), ...args], { store });
}

/** Parses every line of standard output. */
function parse({ stdout }: Ended): unknown[] {
  return stdout
    .toString()
    .trimEnd()
    .split("\n")
    .map((line): unknown => JSON.parse(line));
}

describe("--json prints the result on standard output and no summary", () => {
  test.each([
    [["set", "--", "n", "41"], [{ set: true }]],
    [["set", "n", "0", "--if-absent"], [{ set: false }], 1],
    [["increment", "n"], [{ value: "42" }]],
    [["increment", "big", "9223372036854775807"], [{ value: "9223372036854775807" }]],
    [["get", "n"], [{ key: "n", value: "42" }]],
    [["delete", "n", "big"], [{ applied: 2, "not-applied": 0, unknown: 0, last: 2, complete: true, bytes: 4 }]],
    [["import", file], [{ applied: 2, "not-applied": 0, unknown: 0, last: 2, complete: true, bytes: 4 }]],
    [["export", folder.path("out.ndjson")], [{ records: 2, bytes: 4, missing: 0 }]],
    [["count"], [{ count: 2 }]],
    [["clear", "--dry-run"], [{ "would-delete": 2 }]],
  ])("%j", async ([name = "", ...args], expected, code = 0) => {
    const ended = await run(name, "--json", ...args);
    expect(parse(ended)).toEqual(expected);
    expect(ended.code).toBe(code);
    // The test server keeps no data on disk.
    if (code === 0) expect(withoutWarnings(ended.stderr)).toBe("");
  });

  test("list and buckets print JSON strings, and export prints records", async () => {
    await run("import", file);
    expect(parse(await run("list", "--json")).toSorted()).toEqual(["a", "b"]);
    expect(parse(await run("buckets", "--json"))).toContain(bucket);
    expect(parse(await run("export", "--json"))).toEqual(
      expect.arrayContaining([JSON.parse(records.one), JSON.parse(records.two)]),
    );
  });

  test.each(["provision", "sweep"])("%s", async (name) => {
    const ended = await runCommand([name, "--json"], { store });
    expect(parse(ended)).toEqual([name === "sweep" ? { swept: 0 } : { provisioned: true }]);
  });

  test("a failed import prints its totals, and its failures on standard error", async () => {
    const broken = folder.file("broken.ndjson", `${records.one}\n{}\n`);
    const ended = await run("import", "--json", broken);
    expect(ended.code).toBe(1);
    expect(parse(ended)).toMatchObject([{ applied: 1, "not-applied": 1, next: 2 }]);
    expect(ended.stderr).toContain("line 2 (record 2): not applied");
  });

  test.each([
    [["import", "--report", "-", file], "both use standard output"],
    [["import", "--report", "/dev/fd/1", file], "both use standard output"],
    [["export", "--format", "csv", "/dev/stdout"], "contradict each other"],
    [["export", "--format", "csv"], "contradict each other"],
    [["list", "--format", "lines"], "contradict each other"],
    [["get", "a", "--format", "raw"], "--format ndjson"],
  ])("%j is a usage error", async ([name = "", ...args], message) => {
    const ended = await run(name, "--json", ...args);
    expect([ended.code, ended.stdout.toString()]).toEqual([2, ""]);
    expect(ended.stderr).toContain(message);
  });
});

describe("--quiet prints only errors", () => {
  test.each([
    [["import", file]],
    [["export", folder.path("quiet.ndjson")]],
    [["delete", "no-such-key"]],
    [["delete", "--prefix", "no-such-prefix", "--dry-run"]],
    [["clear", "--yes"]],
  ])("%j", async ([name = "", ...args]) => {
    expect((await run(name, ...args)).stderr).not.toBe("");
    const ended = await run(name, "--quiet", ...args);
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(ended.stdout.toString()).toBe("");
  });

  test("an error is printed, and data, too", async () => {
    await run("set", "a", "1");
    expect((await run("get", "-q", "a")).stdout.toString()).toBe("1");
    const ended = await run("get", "-q", "no-such-key");
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain("no value for the key");
  });
});

test("every subcommand has --json and --quiet", () => {
  const program = createProgram(
    "0.0.0",
    (run) =>
      async (...parameters) =>
        void (await run(...parameters)),
  );
  const names = program.commands.map((command) => command.name());
  expect(names).toContain("import");
  for (const command of program.commands) {
    // A script, and the output of a component.
    if (["completion", "run", "serve"].includes(command.name())) continue;
    const options = command.options.map(({ long }) => long);
    expect(options, command.name()).toEqual(expect.arrayContaining(["--json", "--quiet"]));
  }
});
