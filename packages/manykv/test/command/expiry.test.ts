import { readFileSync } from "node:fs";
import { randomName } from "@manykv/test-services";
import { serviceUrl } from "@manykv/test-services/vitest";
import { Client } from "pg";
import { beforeAll, describe, expect, test } from "vitest";
import { openStore } from "../../src/index.js";
import { type Ended, runCommand } from "../support/command.js";
import { storeUrls } from "../support/stores.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const folder = temporaryFolder();
const hour = 3_600_000;

describe.each(Object.entries(storeUrls))("on %s", (_, store) => {
  beforeAll(async () => {
    expect(await runCommand(["provision"], { store })).toMatchObject({ code: 0, stderr: "" });
  });

  const run = (args: string[], input?: string): Promise<Ended> =>
    runCommand(args, { store, ...(input !== undefined && { input }) });

  async function ttlsOf(bucket: string, keys: readonly string[]): Promise<(number | null | undefined)[]> {
    await using opened = await openStore(store);
    return (await opened.open(bucket)).ttlMany(keys);
  }

  /** Checks that the key expires, and that about the given time is left, because the command takes some of it. */
  function expectTtl(ttl: number | null | undefined, expected: number): void {
    expect(ttl).toBeLessThanOrEqual(expected);
    expect(ttl).toBeGreaterThan(expected - hour / 2);
  }

  test("set --ttl sets the time to live, and set without it removes it", async () => {
    const bucket = randomName();
    expect(await run(["set", "-b", bucket, "--ttl", "2h", "k", "v"])).toMatchObject({ code: 0, stderr: "" });
    expectTtl((await ttlsOf(bucket, ["k"]))[0], 2 * hour);
    expect(await run(["set", "-b", bucket, "k", "v"])).toMatchObject({ code: 0, stderr: "" });
    expect(await ttlsOf(bucket, ["k"])).toEqual([null]);
  });

  test("set --ttl: after this time, no subcommand finds the key", async () => {
    const bucket = randomName();
    expect(await run(["set", "-b", bucket, "--ttl", "1ms", "k", "v"])).toMatchObject({ code: 0 });
    expect(await run(["get", "-b", bucket, "k"])).toMatchObject({ code: 1, stdout: Buffer.alloc(0) });
    expect((await run(["count", "-b", bucket])).stdout.toString()).toBe("0\n");
  });

  test("set --if-absent sets a missing key, and fails without a value in its message if the key exists", async () => {
    const bucket = randomName();
    const args = ["set", "-b", bucket, "--if-absent", "--ttl", "12h", "k"];
    expect(await run([...args, "first"])).toMatchObject({ code: 0, stderr: "" });
    expect(await run([...args, "second"])).toMatchObject({
      code: 1,
      stderr: "manykv: the key exists, so it was not set (--if-absent)\n",
    });
    expect((await run(["get", "-b", bucket, "k"])).stdout.toString()).toBe("first");
  });

  test("import --ttl applies to records without their own ttl", async () => {
    const bucket = randomName();
    const input = '{"key":"own","value":"1","ttl":7200000}\n{"key":"other","value":"2"}\n';
    expect(await run(["import", "-b", bucket, "--ttl", "7d"], input)).toMatchObject({ code: 0 });
    const [own, other] = await ttlsOf(bucket, ["own", "other"]);
    expectTtl(own, 2 * hour);
    expectTtl(other, 7 * 24 * hour);
  });

  test("sweep prints a number", async () => {
    const { code, stdout, stderr } = await run(["sweep"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.toString()).toMatch(/^\d+\n$/);
  });

  test.each([
    ["ndjson", []],
    ["csv", ["--ttl-column", "expires in"]],
  ])("export and import of %s with the options %j restore each record's remaining ttl", async (format, args) => {
    const [bucket, copy] = [randomName(), randomName()];
    const lines = [
      '{"key":"ttl","value":"ttl"}',
      '{"key":"1000","value":"2000","ttl":7200000}',
      '{"key":"3000","value":"","ttl":36000000}',
    ];
    await run(["import", "-b", bucket], lines.join("\n"));
    const path = folder.path(`${bucket}.${format}`);
    expect(await run(["export", "-b", bucket, ...args, path])).toMatchObject({ code: 0 });
    const withTtl = readFileSync(path, "utf8").match(format === "csv" ? /,\d+\n/g : /"ttl":\d+/g);
    expect(withTtl).toHaveLength(2);
    expect(await run(["import", "-b", copy, ...args, path])).toMatchObject({ code: 0 });
    const [none, ...ttls] = await ttlsOf(copy, ["ttl", "1000", "3000"]);
    expect(none).toBeNull();
    expectTtl(ttls[0], 2 * hour);
    expectTtl(ttls[1], 10 * hour);
    const got = await run(["get", "-b", copy, "ttl", "1000", "3000"]);
    const withoutTtl = got.stdout.toString().replaceAll(/"ttl":\d+/g, '"ttl"');
    expect(withoutTtl).toBe(
      '{"key":"ttl","value":"ttl"}\n{"key":"1000","value":"2000","ttl"}\n{"key":"3000","value":"","ttl"}\n',
    );
  });
});

test("a table that cannot expire keys: nothing of a batch with a ttl is written until provision upgrades it", async () => {
  const table = randomName();
  const client = new Client({ connectionString: serviceUrl("postgres") });
  await client.connect();
  await client.query(`CREATE TABLE ${table} (key bytea PRIMARY KEY, value bytea NOT NULL)`);
  await client.end();
  const store = `${serviceUrl("postgres")}?table=${table}`;
  const plain = '{"key":"plain","value":"1"}\n';
  expect(await runCommand(["import"], { store, input: plain })).toMatchObject({ code: 0 });
  const input = '{"key":"a","value":"2"}\n{"key":"b","value":"secret","ttl":7200000}\n';
  const increment = ["increment", "--ttl", "1m", "n"];
  const set = ["set", "--ttl", "1m", "s", "secret"];
  for (const args of [["import"], ["import", "--ttl", "1h"], set, increment]) {
    const { code, stderr } = await runCommand(args, { store, input });
    expect(stderr).toMatch(/unsupported \(.*`manykv provision`/);
    expect(stderr).not.toContain("secret");
    expect(code).toBe(3);
  }
  expect(await runCommand(["export"], { store })).toMatchObject({ code: 0, stdout: Buffer.from(plain) });
  expect(await runCommand(["provision"], { store })).toMatchObject({ code: 0 });
  expect(await runCommand(["import"], { store, input })).toMatchObject({ code: 0 });
  const exported = (await runCommand(["export"], { store })).stdout.toString();
  expect(exported.match(/"ttl"/g)).toHaveLength(1);
});

test("a file without ttl, as earlier versions exported it, is imported", async () => {
  const input = "key,value\na,1\n";
  expect(await runCommand(["import", "-f", "csv"], { store: "memory:", input })).toMatchObject({ code: 0 });
});

test("import reports an invalid ttl with its line and without the value", async () => {
  for (const [format, input] of [
    ["ndjson", '{"key":"a","value":"secret","ttl":0}\n'],
    ["csv", "key,value,ttl\na,secret,0\n"],
  ] as const) {
    const { code, stderr } = await runCommand(["import", "-f", format], { store: "memory:", input });
    expect(stderr).toMatch(
      /^manykv: line \d \(record 1\): not applied: its "?ttl"? is not an integer number of millis/,
    );
    expect(stderr).not.toContain("secret");
    expect(code).toBe(1);
  }
});
