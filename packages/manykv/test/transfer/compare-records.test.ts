import { Buffer } from "node:buffer";
import type { Entry } from "@manykv/core";
import { expect, test } from "vitest";
import {
  type CompareTotals,
  compareRecords,
  type Difference,
  differenceOf,
  noTotals,
} from "../../src/transfer/compare-records.js";

type Records = Record<string, Entry | undefined>;

/** A bucket that lists `keys`, and whose records are different at each read if `recordsAt` returns different ones. */
function bucketOf(
  keys: readonly string[],
  recordsAt: (read: number) => Records,
): Parameters<typeof compareRecords>[0]["a"] {
  let reads = 0;
  return {
    bucket: {
      listKeys: async () => ({ keys: [...keys] }),
      existsMany: async (some) => [...some].map((key) => recordsAt(0)[key] !== undefined),
    },
    read: async (some) => {
      const records = recordsAt(reads++);
      return some.map((key) => records[key]);
    },
  };
}

async function compare(
  a: ReturnType<typeof bucketOf>,
  b: ReturnType<typeof bucketOf>,
): Promise<{ totals: CompareTotals; differences: Difference[] }> {
  const differences: Difference[] = [];
  const totals = { ...noTotals };
  await compareRecords({
    a,
    b,
    totals,
    prefix: undefined,
    batchSize: 1000,
    ttlTolerance: 1000,
    onDifference: (difference) => void differences.push(difference),
    onProgress: () => {},
    calls: { signal: new AbortController().signal },
  });
  return { totals, differences };
}

const recordOf = (key: string, text: string, ttl?: number): Entry =>
  ttl === undefined ? [key, Buffer.from(text)] : [key, Buffer.from(text), { ttl }];

test("a record that arrives during the comparison is not a difference", async () => {
  const k = recordOf("k", "1");
  const a = bucketOf(["k"], () => ({ k }));
  for (const arrival of [1, 2]) {
    const { totals, differences } = await compare(
      a,
      bucketOf(["k"], (read) => (read < arrival ? { k: recordOf("k", "0") } : { k })),
    );
    expect(differences).toEqual([]);
    expect(totals).toMatchObject({ equal: 1, value: 0 });
  }
});

test("a record that differs at three reads is a difference", async () => {
  const { totals, differences } = await compare(
    bucketOf(["k"], () => ({ k: recordOf("k", "1") })),
    bucketOf(["k"], () => ({ k: recordOf("k", "2") })),
  );
  expect(differences).toEqual([{ key: "k", kind: "value" }]);
  expect(totals).toEqual({ equal: 0, "only-in-a": 0, "only-in-b": 0, value: 1, ttl: 0 });
});

test("a key that both stores list twice is one difference", async () => {
  const keys = ["a", "b", "a"];
  const a = bucketOf(keys, () => ({ a: recordOf("a", "1") }));
  const b = bucketOf(["b", "c", "b", "c"], () => ({ b: recordOf("b", "1"), c: recordOf("c", "1") }));
  const { totals, differences } = await compare(a, b);
  expect(differences.map(({ key, kind }) => `${key} ${kind}`).sort()).toEqual([
    "a only-in-a",
    "b only-in-b",
    "c only-in-b",
  ]);
  expect(totals).toMatchObject({ equal: 0, "only-in-a": 1, "only-in-b": 2 });
});

test.each([
  ["equal values without ttl", recordOf("k", "1"), recordOf("k", "1"), undefined],
  ["ttls within the tolerance", recordOf("k", "1", 5000), recordOf("k", "1", 6000), undefined],
  ["ttls beyond the tolerance", recordOf("k", "1", 5000), recordOf("k", "1", 6001), "ttl"],
  ["a ttl in A", recordOf("k", "1", 5000), recordOf("k", "1"), "ttl"],
  ["a ttl in B", recordOf("k", "1"), recordOf("k", "1", 5000), "ttl"],
  ["values", recordOf("k", "1", 5000), recordOf("k", "2"), "value"],
  ["a prefix of the value", recordOf("k", "12"), recordOf("k", "1"), "value"],
  ["no record in B", recordOf("k", "1"), undefined, "only-in-a"],
  ["no record in A", undefined, recordOf("k", "1"), "only-in-b"],
  ["no record", undefined, undefined, undefined],
])("differenceOf: %s", (_, a, b, kind) => {
  expect(differenceOf("k", [a, b], 1000)?.kind).toBe(kind);
});
