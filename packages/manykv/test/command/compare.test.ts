import { readFileSync } from "node:fs";
import { randomName } from "@manykv/test-services";
import { beforeAll, expect, test } from "vitest";
import { openStore } from "../../src/index.js";
import { type Ended, runCommand, runShell, withoutWarnings } from "../support/command.js";
import { storeUrls } from "../support/stores.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const folder = temporaryFolder();
const { redis, postgres, dynamodb } = storeUrls;
const hour = 3_600_000;

type Value = readonly [value: string, ttl?: number];

async function fill(url: string, bucket: string, records: Readonly<Record<string, Value>>): Promise<void> {
  await using store = await openStore(url);
  await store.provision();
  const opened = await store.open(bucket);
  await opened.setMany(
    Object.entries(records).map(([key, [value, ttl]]) => [key, Buffer.from(value), ttl === undefined ? {} : { ttl }]),
  );
}

function compare(bucket: string, ...args: string[]): Promise<Ended> {
  return runCommand(["compare", "-b", bucket, ...args, redis, postgres]);
}

beforeAll(async () => {
  for (const store of [postgres, dynamodb]) await runCommand(["provision"], { store });
});

test("every kind of difference is in the report, without values, and in the totals", async () => {
  const bucket = randomName();
  const same: Record<string, Value> = { same: ["1"], "same ttl": ["1", hour] };
  await fill(redis, bucket, { ...same, a: ["secret"], value: ["secret"], ttl: ["1", hour], expires: ["1", hour] });
  await fill(postgres, bucket, { ...same, b: ["secret"], value: ["other"], ttl: ["1", 2 * hour], expires: ["1"] });
  const report = folder.path("differences.ndjson");
  const { code, stderr, stdout } = await compare(bucket, "--report", report, "--json");
  const totals = { equal: 2, "only-in-a": 1, "only-in-b": 1, value: 1, ttl: 2, complete: true };
  expect(JSON.parse(stdout.toString())).toEqual(totals);
  expect(code).toBe(1);
  const lines = readFileSync(report, "utf8").trimEnd().split("\n");
  const parsed = lines.map((line) => JSON.parse(line));
  expect(parsed.pop()).toEqual({ totals });
  const byKey = Object.fromEntries(parsed.map((line) => [line.key, line]));
  expect(byKey).toEqual({
    a: { bucket, key: "a", difference: "only-in-a" },
    b: { bucket, key: "b", difference: "only-in-b" },
    value: { bucket, key: "value", difference: "value" },
    ttl: { bucket, key: "ttl", difference: "ttl", ttlA: expect.any(Number), ttlB: expect.any(Number) },
    expires: { bucket, key: "expires", difference: "ttl", ttlA: expect.any(Number), ttlB: null },
  });
  expect(stderr).toContain(`bucket "${bucket}", key "value": different values\n`);
  const summary = "2 equal records, 1 only in A, 1 only in B, 1 with different values, 2 with a different ttl";
  expect(stderr).not.toContain(summary);
  expect((await compare(bucket)).stderr).toContain(summary);
  expect(stderr + lines.join("")).not.toContain("secret");
});

test("--ignore-ttl, --ttl-tolerance and --prefix leave differences out, and equal stores have the exit code 0", async () => {
  const bucket = randomName();
  await fill(redis, bucket, { "a:1": ["1", hour], "a:2": ["1"], "b:1": ["1"] });
  await fill(postgres, bucket, { "a:1": ["1", hour + 60_000], "a:2": ["1"], "b:1": ["2"] });
  expect(await compare(bucket, "--prefix", "a:")).toMatchObject({ code: 1 });
  expect(await compare(bucket, "--prefix", "a:", "--ignore-ttl")).toMatchObject({ code: 0 });
  const tolerant = await compare(bucket, "--prefix", "a:", "--ttl-tolerance", "5m");
  expect(tolerant.stderr).toBe(
    "manykv: 2 equal records, 0 only in A, 0 only in B, 0 with different values, 0 with a different ttl\n",
  );
  expect(tolerant.code).toBe(0);
  expect(await compare(bucket, "--ignore-ttl")).toMatchObject({ code: 1 });
});

test("standard error lists ten differences, and --report - all of them", async () => {
  const bucket = randomName();
  const records = Array.from({ length: 3000 }, (_, index): [string, Value] => [`k${index}`, ["1"]]);
  await fill(redis, bucket, Object.fromEntries(records));
  const { code, stdout, stderr } = await compare(bucket, "--report", "-", "--quiet");
  expect(code).toBe(1);
  expect(stderr.trimEnd().split("\n")).toHaveLength(11);
  expect(stderr).toContain("manykv: ... and 2,990 more differences\n");
  const lines = stdout.toString().trimEnd().split("\n");
  expect(new Set(lines.slice(0, -1).map((line) => JSON.parse(line).key))).toEqual(new Set(records.map(([key]) => key)));
  expect(JSON.parse(lines.at(-1) as string).totals).toMatchObject({ "only-in-a": 3000 });
});

test("--all-buckets compares the buckets of both stores", async () => {
  // Other tests use the shared stores, so the comparison finds their buckets too.
  const [onlyA, onlyB] = [randomName(), randomName()];
  await fill(redis, onlyA, { k: ["1"] });
  await fill(dynamodb, onlyB, { k: ["1"] });
  const report = folder.path("all.ndjson");
  const args = ["compare", "--all-buckets", "--prefix", "k", "--report", report, redis, dynamodb];
  expect(await runCommand(args)).toMatchObject({ code: 1 });
  const text = readFileSync(report, "utf8");
  expect(text).toContain(`{"bucket":"${onlyA}","key":"k","difference":"only-in-a"}\n`);
  expect(text).toContain(`{"bucket":"${onlyB}","key":"k","difference":"only-in-b"}\n`);
});

test("two buckets without keys are no success, unless --allow-empty is passed", async () => {
  const bucket = randomName();
  await fill(redis, bucket, { k: ["1"] });
  const { code, stderr } = await compare(`${bucket}x`);
  expect(code).toBe(1);
  expect(stderr).toContain(`A: the bucket "${bucket}x" has no keys: did you mean "${bucket}"?\n`);
  expect(await compare(`${bucket}x`, "--allow-empty")).toMatchObject({ code: 0 });
});

test("a report that its reader closes is a failure, not a success", async () => {
  const bucket = randomName();
  const records = Array.from({ length: 5000 }, (_, index): [string, Value] => [`${"k".repeat(100)}${index}`, ["1"]]);
  await fill(redis, bucket, Object.fromEntries(records));
  const script = `{ manykv compare -b ${bucket} --report - "${redis}" "${postgres}"; echo "code $?" >&2; } | head -n 1`;
  const { stderr } = await runShell(script, {});
  expect(stderr).toContain("cannot write standard output: its reader closed it");
  expect(stderr).toContain("code 4\n");
});

test("a message about a failure names the store", async () => {
  const missing = `${postgres}missing`;
  const { code, stderr } = await runCommand(["compare", redis, missing]);
  expect(code).toBe(3);
  expect(withoutWarnings(stderr)).toMatch(/^manykv: B: .*no-such-store/);
});

test.each([
  [["compare"], /^manykv: no store URL for A: .*MANYKV_FROM/],
  [["compare", "memory:"], /^manykv: no store URL for B: .*MANYKV_TO/],
  [["compare", "-b", "a", "--all-buckets", "memory:", "memory:"], /pass either --bucket or --all-buckets/],
  [["compare", "--json", "--report", "/dev/stdout", "memory:", "memory:"], /both use standard output/],
  [["compare", "--json", "--report", "-", "memory:", "memory:"], /both use standard output/],
  [["compare", "-b", "a", "memory:", "memory:", "memory:"], /too many arguments/],
  [["compare", "-b", "a b", "memory:", "memory:"], /bucket/],
])("%j is rejected", async (args, message) => {
  expect(await runCommand(args)).toMatchObject({ code: 2, stderr: expect.stringMatching(message) });
});
