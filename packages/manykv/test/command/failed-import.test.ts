import { linkSync, readFileSync } from "node:fs";
import type { Bucket } from "@manykv/core";
import { randomName, startDedicatedRedis } from "@manykv/test-services";
import { serviceUrl } from "@manykv/test-services/vitest";
import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { openStore } from "../../src/index.js";
import { endOf, runCommand, startCommand, withoutWarnings } from "../support/command.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const folder = temporaryFolder();

interface ReportLine {
  readonly record: number;
  readonly line: number;
  readonly key?: string;
  readonly outcome: "not-applied" | "unknown";
  readonly code: string;
  readonly reason?: string;
}

interface ReportTotals {
  readonly applied: number;
  readonly "not-applied": number;
  readonly unknown: number;
  readonly last: number;
  readonly complete: boolean;
  readonly next?: number;
}

function readReport(path: string): { failures: ReportLine[]; totals: ReportTotals } {
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  const parsed = lines.map((line) => JSON.parse(line));
  const { totals } = parsed.pop();
  return { failures: parsed, totals };
}

/** Opens the bucket without the command, to check what the store contains. */
async function inBucket<Result>(url: string, name: string, use: (bucket: Bucket) => Promise<Result>): Promise<Result> {
  await using store = await openStore(url);
  return use(await store.open(name));
}

/** Returns the numbers of the records, from 1 to `count`, that the store contains. */
function presentRecords(url: string, name: string, count: number): Promise<Set<number>> {
  return inBucket(url, name, async (bucket) => {
    const found = await bucket.getMany(Array.from({ length: count }, (_, index) => `k${index + 1}`));
    return new Set(found.flatMap((record, index) => (record === undefined ? [] : [index + 1])));
  });
}

/** Checks for each record that the report agrees with the store. `present` contains the numbers of stored records. */
function expectTruth({ failures, totals }: ReturnType<typeof readReport>, present: Set<number>, count: number): void {
  const failed = new Map(failures.map((failure) => [failure.record, failure.outcome]));
  const counts = { applied: 0, "not-applied": 0, unknown: 0 };
  const lies: string[] = [];
  for (let record = 1; record <= count; record++) {
    const outcome = failed.get(record) ?? (record > totals.last ? "not-applied" : "applied");
    if (record <= totals.last) counts[outcome]++;
    if (outcome !== "unknown" && present.has(record) !== (outcome === "applied")) lies.push(`${record} ${outcome}`);
  }
  expect(lies).toEqual([]);
  expect(totals).toMatchObject(counts);
}

function lines(count: number, textOf: (record: number) => string = (record) => `v${record}`): string[] {
  return Array.from({ length: count }, (_, index) =>
    JSON.stringify({ key: `k${index + 1}`, value: textOf(index + 1) }),
  );
}

test("an import stops at an invalid record and can continue at this record after it is fixed", async () => {
  const store = serviceUrl("redis");
  const bucket = randomName();
  const input = lines(5000);
  input.splice(2500, 1, '{"key": "k2501", "value": ');
  const report = folder.path("stop.ndjson");
  const file = folder.file("stop-input.ndjson", input.join("\n"));
  const failed = await runCommand(["import", "-b", bucket, "--report", report, file], { store });
  expect(withoutWarnings(failed.stderr)).toMatch(
    /^manykv: line 2501 \(record 2501\): not applied: it is only a part of a JSON object: .*\nmanykv: imported 2,500 records, 1 not applied, 0 unknown, .*\nmanykv: no record after record 2501 was sent\nmanykv: to continue, run the same command with --from-record 2501\n$/,
  );
  expect(failed.code).toBe(1);
  expect(readReport(report)).toEqual({
    failures: [
      {
        record: 2501,
        line: 2501,
        outcome: "not-applied",
        code: "invalid-argument",
        reason: expect.stringContaining("only a part of a JSON object"),
      },
    ],
    totals: expect.objectContaining({
      applied: 2500,
      "not-applied": 1,
      unknown: 0,
      last: 2501,
      complete: false,
      next: 2501,
    }),
  });
  expectTruth(readReport(report), await presentRecords(store, bucket, 5000), 5000);

  input.splice(2500, 1, '{"key": "k2501", "value": "fixed"}');
  const fixed = await runCommand(["import", "-b", bucket, "--from-record", "2501"], {
    store,
    input: input.join("\n"),
  });
  expect(fixed).toMatchObject({ code: 0, stderr: expect.stringContaining("imported 2,500 records") });
  expect((await presentRecords(store, bucket, 5000)).size).toBe(5000);
});

test("--on-error continue: the report contains every record that was not written, with its line", async () => {
  const store = serviceUrl("redis");
  const bucket = randomName();
  const input = lines(5000);
  input.splice(0, 1, '{"key": "\\ud800", "value": ""}');
  input.splice(2999, 1, "", '{"value": "no key"}');
  input.splice(5000, 1, `{"key": "${"k".repeat(1025)}", "value": ""}`);
  const report = folder.path("continue.ndjson");
  const args = ["import", "-b", bucket, "--on-error", "continue", "--report", report];
  const { code, stderr } = await runCommand(args, { store, input: input.join("\n") });
  expect(code).toBe(1);
  expect(stderr).toContain("imported 4,997 records, 3 not applied, 0 unknown");
  expect(stderr).not.toContain("no record after");
  const { failures, totals } = readReport(report);
  expect(failures).toMatchObject([
    {
      record: 1,
      line: 1,
      key: "\ud800",
      code: "invalid-argument",
      reason: "its key contains a lone surrogate",
    },
    { record: 3000, line: 3001, code: "invalid-argument" },
    {
      record: 5000,
      line: 5001,
      code: "too-large",
      reason: "its key has 1025 bytes, and the store's limit is 1024",
    },
  ]);
  expect(totals).toMatchObject({ complete: true, next: 1 });
  expectTruth({ failures, totals }, await presentRecords(store, bucket, 5000), 5000);
});

test("the command prints the first ten failures and how many more there are", async () => {
  const args = ["import", "--on-error", "continue"];
  const { stderr } = await runCommand(args, { store: "memory:", input: "x\n".repeat(1234) });
  expect(stderr.split("\n").filter((line) => line.includes("not a JSON object"))).toHaveLength(10);
  expect(stderr).toContain("manykv: ... and 1,224 more records\n");
});

test("CSV: the report contains the line numbers of the file", async () => {
  const report = folder.path("csv.ndjson");
  const input = 'id,name\nk1,"a\nb"\nk2\nk3,c\n';
  const args = ["import", "--format", "csv", "--key-column", "id", "--value-column", "name", "--report", report];
  expect(await runCommand(args, { store: "memory:", input })).toMatchObject({ code: 1 });
  expect(readReport(report).failures).toMatchObject([{ record: 2, line: 4, code: "invalid-argument" }]);
});

test("if the input cannot be read again in the same order, the advice is to repeat the whole import", async () => {
  const { code, stderr } = await runCommand(["import"], { store: "memory:", input: `${lines(3).join("\n")}\ninvalid` });
  expect(code).toBe(1);
  expect(stderr).toContain("manykv: to continue, run the whole import again, which is safe to repeat. ");
  expect(stderr).not.toContain("--from-record");
});

test("if nothing was sent, no record was sent, and the advice is to repeat the import", async () => {
  const child = startCommand(["import", "--from-record", "4"], { store: "memory:" });
  const ended = endOf(child);
  // A pipe cannot buffer this much data. When the write completes, the command is reading and handles signals.
  const blank = "\n".repeat(1_000_000);
  await new Promise((resolve) => child.stdin?.write(`${lines(2).join("\n")}${blank}`, resolve));
  child.kill("SIGINT");
  const { code, stderr } = await ended;
  expect(code).toBe(130);
  expect(stderr).toContain("no record was sent\nmanykv: to continue, run the whole import again");
});

test.each(["ndjson", "csv"])(
  "%s: --from-record can be the number after the last record, but no larger number",
  async (format) => {
    const input = `${format === "csv" ? "key,value\n" : ""}${lines(7)
      .map((line) => (format === "csv" ? "k,v" : line))
      .join("\n")}`;
    const from = (record: number) =>
      runCommand(["import", "--format", format, "--from-record", String(record)], {
        store: "memory:",
        input,
      });
    expect(await from(7)).toMatchObject({ code: 0, stderr: expect.stringContaining("imported 1 record,") });
    // An import that is interrupted after its last record prints this number.
    expect(await from(8)).toMatchObject({ code: 0, stderr: expect.stringContaining("imported 0 records,") });
    const beyond = await from(9);
    expect(beyond.stderr).toMatch(/^manykv: --from-record 9 is past the end of the input, which has 7 records\n/);
    expect(beyond.stderr).not.toContain("to continue");
    expect(beyond.code).toBe(1);
  },
);

test.each([
  ["import FILE", (path: string) => ["import", path]],
  ["import < FILE", () => ["import"]],
  ["delete --keys-from FILE", (path: string) => ["delete", "--keys-from", path]],
])("%s: a report that would overwrite the input is rejected, and the input is unchanged", async (_, argsFor) => {
  const text = lines(3).join("\n");
  const inputFile = folder.file(`${randomName()}.ndjson`, text);
  const link = folder.path(randomName());
  linkSync(inputFile, link);
  for (const report of [inputFile, link]) {
    const args = [...argsFor(inputFile), "--report", report];
    const { code, stderr } = await runCommand(args, { store: "memory:", inputFile });
    expect(stderr).toMatch(/^manykv: the report would overwrite the input ".*": pass another --report file\n$/);
    expect(code).toBe(2);
    expect(readFileSync(inputFile, "utf8")).toBe(text);
  }
});

test.each([
  ["--key-column", "id", 'exactly one column named "id"'],
  ["--encoding", "base64", "its value is not base64"],
])("CSV with %s %s: the message says how to fix it", async (option, value, message) => {
  const args = ["import", "--format", "csv", option, value];
  const { code, stderr } = await runCommand(args, { store: "memory:", input: "key,value\na,b c\n" });
  expect(stderr).toContain(message);
  expect(code).toBe(1);
});

test("if the store rejects some records, the report is correct, and a later import writes the rest", async () => {
  await using server = await startDedicatedRedis({
    args: ["--maxmemory", "12mb", "--maxmemory-policy", "noeviction"],
  });
  const bucket = randomName();
  const count = 20_000;
  const input = folder.file("large.ndjson", lines(count, (record) => `${record}`.padEnd(1000, "x")).join("\n"));
  const report = folder.path("rejected.ndjson");
  const args = ["import", "-b", bucket, "--timeout", "10000", "--report", report, input];
  const rejected = await runCommand(args, { store: server.url });
  expect(rejected.code).toBe(3);
  expect(rejected.stderr).toContain("OOM");
  const reported = readReport(report);
  expect(reported.totals.complete).toBe(false);
  expect(reported.totals.applied).toBeGreaterThan(1000);
  expectTruth(reported, await presentRecords(server.url, bucket, count), count);

  const admin = new Redis(server.url);
  await admin.config("SET", "maxmemory", "0");
  await admin.quit();
  const again = await runCommand(["import", "-b", bucket, "--from-record", String(reported.totals.next), input], {
    store: server.url,
  });
  expect(again.code).toBe(0);
  expect((await presentRecords(server.url, bucket, count)).size).toBe(count);
});

test("if the server is killed, the report is correct, and a later import writes the rest", async () => {
  await using server = await startDedicatedRedis({ durable: true });
  const bucket = randomName();
  const count = 20_000;
  const report = folder.path("died.ndjson");
  const args = ["import", "-b", bucket, "--timeout", "10000", "--report", report];
  const child = startCommand(args, { store: server.url });
  const ended = endOf(child);
  const input = lines(count).map((line) => `${line}\n`);
  child.stdin?.write(input.slice(0, 8_000).join(""));
  await expect.poll(async () => (await presentRecords(server.url, bucket, 4000)).size, { timeout: 30_000 }).toBe(4000);
  await server.kill();
  child.stdin?.end(input.slice(8_000).join(""));
  const { code, stderr } = await ended;
  expect(code).toBe(3);
  expect(stderr).toMatch(/unavailable|connection-lost|timeout/);
  await server.restart();
  const reported = readReport(report);
  // A reader can see a record before the command receives its acknowledgement, so some of the 4,000 may be unknown.
  expect(reported.totals.applied + reported.totals.unknown).toBeGreaterThanOrEqual(4000);
  expect(reported.totals.last).toBeLessThan(count);
  expectTruth(reported, await presentRecords(server.url, bucket, count), count);

  const again = await runCommand(["import", "-b", bucket, "--from-record", String(reported.totals.next)], {
    store: server.url,
    input: input.join(""),
  });
  expect(again.code).toBe(0);
  expect((await presentRecords(server.url, bucket, count)).size).toBe(count);
});

test.each(["import", "delete"])("%s: after an interrupt, the report is correct", async (command) => {
  const store = serviceUrl("redis");
  const bucket = randomName();
  const count = 5000;
  const report = folder.path(`interrupted-${command}.ndjson`);
  const input = command === "import" ? lines(count) : lines(count).map((_, index) => `k${index + 1}`);
  if (command === "delete") await runCommand(["import", "-b", bucket], { store, input: lines(count).join("\n") });
  const present = command === "import" ? 4000 : 1000;
  const keys = command === "import" ? [] : ["--keys-from", "-"];
  const child = startCommand([command, "-b", bucket, "--report", report, ...keys], { store });
  const ended = endOf(child);
  child.stdin?.write(`${input.join("\n")}\n`);
  // Two batches of 2,000 are written. The third one waits for more input.
  await expect.poll(async () => (await presentRecords(store, bucket, count)).size, { timeout: 30_000 }).toBe(present);
  child.kill("SIGINT");
  const { code, stderr } = await ended;
  expect(code).toBe(130);
  expect(stderr).toContain("no record after record 4000 was sent");
  expect(readReport(report)).toEqual({
    failures: [],
    totals: expect.objectContaining({ applied: 4000, last: 4000, complete: false, next: 4001 }),
  });
});

test("if the store hangs, an interrupted import ends within seconds and reports each record as aborted", async () => {
  await using server = await startDedicatedRedis();
  const report = folder.path("hanging.ndjson");
  const bucket = randomName();
  const admin = new Redis(server.url);
  await admin.client("PAUSE", 60_000, "WRITE");
  const child = startCommand(["import", "-b", bucket, "--timeout", "40000", "--report", report], {
    store: server.url,
  });
  const ended = endOf(child);
  child.stdin?.end(lines(10).join("\n"));
  await expect.poll(() => admin.info("clients"), { timeout: 30_000 }).toMatch(/blocked_clients:[1-9]/);
  child.kill("SIGINT");
  const { code } = await ended;
  admin.disconnect();
  expect(code).toBe(130);
  const { failures, totals } = readReport(report);
  expect(totals.applied + totals.unknown + totals["not-applied"]).toBe(10);
  expect(totals.applied).toBe(0);
  expect(new Set(failures.map(({ code }) => code))).toEqual(new Set(["aborted"]));
});
