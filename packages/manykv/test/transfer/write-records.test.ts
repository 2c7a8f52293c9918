import { BatchError, type Outcome, StoreError, type StoreErrorCode } from "@manykv/core";
import { expect, test } from "vitest";
import type { Item, KeyRecord, RejectedRecord } from "../../src/records/record.js";
import { type RecordFailure, type WriteOptions, writeRecords } from "../../src/transfer/write-records.js";

/** Yields an item for each key, in groups of three. The item for the key `!` is a rejected record. */
async function* itemsOf(keys: readonly string[]): AsyncGenerator<Item<KeyRecord>[]> {
  const items = keys.map((key, index): Item<KeyRecord> => {
    const position = { record: index + 1, line: index + 1 };
    return key === "!" ? { ...position, code: "invalid-argument", problem: "bad" } : { ...position, key };
  });
  for (let start = 0; start < items.length; start += 3) yield items.slice(start, start + 3);
}

function keys(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `k${index + 1}`);
}

function batchError(outcomes: readonly Outcome[], code: StoreErrorCode = "throttled"): BatchError {
  const counts = { applied: 0, "not-applied": 0, unknown: 0 };
  for (const outcome of outcomes) counts[outcome]++;
  const outcomeOf = (index: number): Outcome => outcomes[index] ?? "applied";
  return new BatchError(code, "failed", {
    size: outcomes.length,
    counts,
    outcomeOf,
    causeOf: () => ({ code }),
  });
}

interface Run {
  readonly sent: string[][];
  readonly failures: RecordFailure[];
}

function prepare(options: Partial<WriteOptions<KeyRecord>> = {}): Run & { options: WriteOptions<KeyRecord> } {
  const sent: string[][] = [];
  const failures: RecordFailure[] = [];
  const write = options.write ?? (() => Promise.resolve());
  return {
    sent,
    failures,
    options: {
      bytesOf: () => 1,
      batchSize: 4,
      continueOnError: false,
      onFailure: (failure) => void failures.push(failure),
      onProgress: () => {},
      stop: new AbortController().signal,
      ...options,
      write: (records) => {
        sent.push(records.map(({ key }) => key));
        return write(records);
      },
    },
  };
}

const failWhere =
  (key: string, error: () => unknown) =>
  (records: readonly KeyRecord[]): Promise<void> =>
    records.some((record) => record.key === key) ? Promise.reject(error()) : Promise.resolve();

test("writeRecords sends full batches, even if the source yields smaller groups", async () => {
  const { options, sent, failures } = prepare();
  const { totals } = await writeRecords(itemsOf(keys(10)), options);
  expect(sent).toEqual([keys(10).slice(0, 4), keys(10).slice(4, 8), ["k9", "k10"]]);
  expect(totals).toEqual({ applied: 10, "not-applied": 0, unknown: 0, last: 10, complete: true, bytes: 10 });
  expect(failures).toEqual([]);
});

test("a batch also has a byte limit", async () => {
  const { options, sent } = prepare({ bytesOf: ({ key }) => (key === "k2" ? 20_000_000 : 6_000_000) });
  await writeRecords(itemsOf(keys(6)), options);
  expect(sent).toEqual([["k1"], ["k2"], ["k3", "k4"], ["k5", "k6"]]);
});

test("without records, writeRecords sends nothing", async () => {
  const { options, sent } = prepare();
  const { totals } = await writeRecords(itemsOf([]), options);
  expect(sent).toEqual([]);
  expect(totals).toMatchObject({ applied: 0, last: 0, complete: true, next: undefined });
});

test("at most two batches are in flight", async () => {
  let inFlight = 0;
  let most = 0;
  const { options } = prepare({
    write: async () => {
      most = Math.max(most, ++inFlight);
      await new Promise((resolve) => setTimeout(resolve, 5));
      inFlight--;
    },
  });
  await writeRecords(itemsOf(keys(40)), options);
  expect(most).toBe(2);
});

test("a batch waits for an earlier one with the same key, so that the later record wins", async () => {
  const events: string[] = [];
  const { options } = prepare({
    write: async ([first]) => {
      events.push(`start ${first?.record}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
      events.push(`end ${first?.record}`);
    },
  });
  await writeRecords(itemsOf(["a", "b", "c", "same", "e", "f", "g", "same", "i"]), options);
  expect(events).toEqual(["start 1", "end 1", "start 5", "start 9", "end 5", "end 9"]);
});

test("after a failed batch, writeRecords waits for batches in flight and sends no more batches", async () => {
  const outcomes: Outcome[] = ["applied", "not-applied", "unknown", "applied"];
  const { options, sent, failures } = prepare({ write: failWhere("k5", () => batchError(outcomes)) });
  const { totals, storeError } = await writeRecords(itemsOf(keys(100)), options);
  expect(sent).toHaveLength(3);
  expect(failures).toEqual([
    { record: 6, line: 6, key: "k6", outcome: "not-applied", code: "throttled" },
    { record: 7, line: 7, key: "k7", outcome: "unknown", code: "throttled" },
  ]);
  expect(totals).toEqual({
    applied: 10,
    "not-applied": 1,
    unknown: 1,
    last: 12,
    complete: false,
    next: 6,
    bytes: 12,
  });
  expect(storeError).toBeInstanceOf(BatchError);
});

test("writeRecords writes all records before a rejected record and none after it", async () => {
  const { options, sent, failures } = prepare();
  const { totals, storeError } = await writeRecords(itemsOf([...keys(5), "!", "after", "after"]), options);
  expect(sent.flat()).toEqual(keys(5));
  expect(failures).toEqual([{ record: 6, line: 6, outcome: "not-applied", code: "invalid-argument", problem: "bad" }]);
  expect(totals).toMatchObject({ applied: 5, "not-applied": 1, last: 6, complete: false, next: 6 });
  expect(storeError).toBeUndefined();
});

test("continueOnError: all failures are reported in record order, and `next` is the first failed record", async () => {
  const { options, sent, failures } = prepare({
    continueOnError: true,
    write: failWhere("k7", () => batchError(["applied", "unknown", "applied", "applied"])),
  });
  const input = ["!", "k2", "!", "k4", "k5", "k6", "k7", "!", "k9", "!"];
  const { totals } = await writeRecords(itemsOf(input), options);
  expect(sent.flat()).toEqual(input.filter((key) => key !== "!"));
  expect(failures.map(({ record, outcome }) => [record, outcome])).toEqual([
    [1, "not-applied"],
    [3, "not-applied"],
    [6, "unknown"],
    [8, "not-applied"],
    [10, "not-applied"],
  ]);
  expect(totals).toMatchObject({
    applied: 5,
    "not-applied": 4,
    unknown: 1,
    last: 10,
    complete: true,
    next: 1,
  });
});

test("continueOnError: a batch that fails entirely ends the transfer", async () => {
  const all: Outcome[] = ["not-applied", "unknown", "unknown", "not-applied"];
  const { options, sent } = prepare({ continueOnError: true, write: failWhere("k5", () => batchError(all)) });
  const { totals } = await writeRecords(itemsOf(keys(100)), options);
  expect(sent).toHaveLength(3);
  expect(totals).toMatchObject({
    applied: 8,
    "not-applied": 2,
    unknown: 2,
    last: 12,
    complete: false,
    next: 5,
  });
});

test("continueOnError: a record that ends the input ends the transfer", async () => {
  async function* source(): AsyncGenerator<Item<KeyRecord>[]> {
    const end: RejectedRecord = {
      record: 2,
      line: 2,
      code: "invalid-argument",
      problem: "bad",
      endsInput: true,
    };
    yield [{ record: 1, line: 1, key: "a" }, end];
  }
  const { options } = prepare({ continueOnError: true });
  const { totals } = await writeRecords(source(), options);
  expect(totals).toMatchObject({ applied: 1, "not-applied": 1, complete: false, next: 2 });
});

test.each([
  [new StoreError("closed", "closed"), "closed"],
  [new Error("a defect"), "internal"],
])("after an error without outcomes (%s), the records are unknown", async (error, code) => {
  const { options, failures } = prepare({ write: () => Promise.reject(error) });
  const result = await writeRecords(itemsOf(["a"]), options);
  expect(failures).toEqual([{ record: 1, line: 1, key: "a", outcome: "unknown", code }]);
  expect(result.storeError).toBe(error);
});

test("if the input fails, writeRecords writes all records before the failure", async () => {
  async function* source(): AsyncGenerator<Item<KeyRecord>[]> {
    yield* itemsOf(keys(6));
    throw new Error("disk broke");
  }
  const { options, sent } = prepare();
  const { totals, inputError } = await writeRecords(source(), options);
  expect(sent.flat()).toEqual(keys(6));
  expect(totals).toMatchObject({ applied: 6, last: 6, complete: false, next: 7 });
  expect(inputError).toEqual(new Error("disk broke"));
});

test("after a stop, writeRecords waits for batches in flight and sends no more batches", async () => {
  const stop = new AbortController();
  let settle = (): void => {};
  const { options, sent } = prepare({
    stop: stop.signal,
    write: ([first]) =>
      first?.record === 5
        ? new Promise((resolve) => {
            settle = resolve;
            stop.abort();
          })
        : Promise.resolve(),
  });
  const run = writeRecords(itemsOf(keys(100)), options);
  await expect.poll(() => stop.signal.aborted).toBe(true);
  settle();
  expect((await run).totals).toMatchObject({ applied: 8, last: 8, complete: false, next: 9 });
  expect(sent).toHaveLength(2);
});

test.each([
  [undefined, 1],
  [1, 1],
  [4001, 4001],
])("if nothing was sent, `next` is the first record (%s)", async (firstRecord, next) => {
  const { options } = prepare({ firstRecord, stop: AbortSignal.abort() });
  const { totals } = await writeRecords(itemsOf(keys(1)), options);
  expect(totals).toMatchObject({ applied: 0, last: next - 1, complete: false, next });
});

test("rejected records are reported after each batch, to limit memory", async () => {
  const { options, failures } = prepare({ continueOnError: true });
  const reported: number[] = [];
  await writeRecords(itemsOf(Array.from({ length: 20 }, () => "!")), {
    ...options,
    onProgress: () => void reported.push(failures.length),
  });
  expect(reported).toEqual([4, 8, 12, 16, 20]);
});
