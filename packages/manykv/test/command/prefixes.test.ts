import { randomName } from "@manykv/test-services";
import { beforeAll, describe, expect, test } from "vitest";
import { openStore } from "../../src/index.js";
import { type Ended, endOf, runCommand, startCommand } from "../support/command.js";
import { storeUrls } from "../support/stores.js";

const inputOf = (keys: readonly string[]): string =>
  keys.map((key) => `${JSON.stringify({ key, value: "secret" })}\n`).join("");

describe.each(Object.entries(storeUrls))("on %s", (_, store) => {
  beforeAll(async () => {
    expect(await runCommand(["provision"], { store })).toMatchObject({ code: 0, stderr: "" });
  });

  const run = (args: string[], input?: string): Promise<Ended> =>
    runCommand(args, { store, ...(input !== undefined && { input }) });

  async function fill(keys: readonly string[]): Promise<string> {
    const bucket = randomName();
    expect(await run(["import", "-b", bucket], inputOf(keys))).toMatchObject({ code: 0 });
    return bucket;
  }

  async function keysOf(bucket: string): Promise<string[]> {
    const { stdout } = await run(["list", "-b", bucket, "--format", "json"]);
    const lines = stdout.toString().split("\n").filter(Boolean);
    return lines.map((line) => JSON.parse(line) as string).sort();
  }

  test("list, count, export and delete use the prefix as plain text", async () => {
    const keys = ["", "a", "a*", "a*1", "a1", "a_", "a_1", "ab", "[ab]", "[ab]1", "é", "é1", "e", "A"];
    const bucket = await fill(keys);
    const listed = await run(["list", "-b", bucket, "--prefix", "é"]);
    expect(new Set(listed.stdout.toString().split("\n"))).toEqual(new Set(["é", "é1", ""]));
    const counted = await run(["count", "-b", bucket, "--prefix", "a_"]);
    expect(counted).toMatchObject({ code: 0, stdout: Buffer.from("2\n"), stderr: "" });
    const exported = await run(["export", "-b", bucket, "--prefix", "[ab]"]);
    expect(exported.stdout.toString().split("\n").sort()).toEqual(inputOf(["[ab]", "[ab]1"]).split("\n").sort());
    const deleted = await run(["delete", "-b", bucket, "--prefix", "a*", "--yes"]);
    expect(deleted).toMatchObject({ code: 0, stderr: expect.stringMatching(/^manykv: deleted 2 records, .*\n$/) });
    expect(await keysOf(bucket)).toEqual(keys.filter((key) => !key.startsWith("a*")).sort());
  });

  test("delete --prefix and clear delete nothing without --yes, and --dry-run only counts", async () => {
    const bucket = await fill(["a:1", "a:2", "b"]);
    for (const args of [["clear"], ["delete", "--prefix", "a:"]]) {
      const refused = await run([...args, "-b", bucket]);
      expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining("pass --yes to delete the keys") });
    }
    expect(await run(["clear", "-b", bucket, "--dry-run", "--yes"])).toMatchObject({
      code: 0,
      stderr: "manykv: would delete 3 records\n",
    });
    expect(await run(["delete", "-b", bucket, "--prefix", "a:", "--dry-run"])).toMatchObject({
      code: 0,
      stderr: "manykv: would delete 2 records\n",
    });
    expect(await keysOf(bucket)).toEqual(["a:1", "a:2", "b"]);
  });

  test("clear deletes all keys of its bucket and of no other", async () => {
    const many = Array.from({ length: 5000 }, (_, index) => `k${index}`);
    const [bucket, other] = [await fill(many), await fill(["kept"])];
    expect((await run(["count", "-b", bucket])).stdout.toString()).toBe("5000\n");
    expect(await run(["clear", "-b", bucket, "--yes"])).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^manykv: deleted 5,000 records, /),
    });
    expect(await keysOf(bucket)).toEqual([]);
    expect(await keysOf(other)).toEqual(["kept"]);
  });

  test("buckets prints the names of buckets that hold keys", async () => {
    const [one, two, cleared] = [await fill(["a"]), await fill(["a", "b"]), await fill(["a"])];
    await run(["clear", "-b", cleared, "--yes"]);
    const { code, stdout, stderr } = await run(["buckets"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const names = stdout.toString().trimEnd().split("\n");
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual(expect.arrayContaining([one, two]));
    expect(names).not.toContain(cleared);
  });
});

test("an interrupted delete --prefix reports how many keys it deleted", async () => {
  await using opened = await openStore(storeUrls.redis);
  const name = randomName();
  const bucket = await opened.open(name);
  const keys = Array.from({ length: 60_000 }, (_, index) => `key:${index}`);
  await bucket.setMany(keys.map((key) => [key, new Uint8Array()]));
  // Small batches make the command slow enough to interrupt it.
  const args = ["delete", "-b", name, "--prefix", "key:", "--yes", "--batch-size", "5"];
  const child = startCommand(args, { store: storeUrls.redis });
  const ended = endOf(child);
  const left = async (): Promise<number> => (await bucket.existsMany(keys)).filter(Boolean).length;
  await expect.poll(left, { timeout: 30_000, interval: 5 }).toBeLessThan(60_000);
  child.kill("SIGINT");
  const { code, stderr } = await ended;
  expect(code).toBe(130);
  const deleted = Number(
    /^manykv: deleted ([\d,]+) records, 0 not applied, 0 unknown/.exec(stderr)?.[1]?.replaceAll(",", ""),
  );
  expect(stderr).toContain("manykv: to continue, run the same command again\n");
  expect(await left()).toBe(60_000 - deleted);
  await bucket.clear();
});
