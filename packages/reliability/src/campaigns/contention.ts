import { BatchError, type Bucket, createStore, type Outcome, type Store } from "@manykv/core";
import { openTestbed } from "../testbeds/open-testbed.js";
import { backendNames, direct } from "../testbeds/testbed.js";
import { backendOf, type Campaign, type CampaignContext, type CampaignResult } from "./campaign.js";

const clientCount = 16;
/** Swaps of one client. Each needs several attempts, because all clients swap the same key. */
const swapsPerClient = 25;
const createdKeys = 1_000;
const timeout = 300_000;

/** Many clients change the same keys at the same time. A run is one increment of each client. */
export const contention: Campaign = {
  name: "contention",
  what: `${clientCount} clients that increment, swap and create the same keys`,
  mustBe: "the exact sum, no lost swap, one creator per key",
  backends: backendNames,
  runs: { ci: 100, long: 1_000 },
  run: runContention,
};

async function runContention(context: CampaignContext): Promise<CampaignResult> {
  await using testbed = await openTestbed(backendOf(context));
  const stores: Store[] = Array.from({ length: clientCount }, () => createStore(testbed.driver(direct), { timeout }));
  const buckets = await Promise.all(stores.map((store) => store.open("contention")));
  const [first] = buckets as [Bucket];
  await Promise.all(buckets.map((bucket) => incrementOften(bucket, context.runs)));
  const sum = Number(decode(await first.get("counter")) ?? "0");
  const attempts = await Promise.all(buckets.map((bucket) => swapOften(bucket)));
  const swapped = Number(decode(await first.get("swapped")) ?? "0");
  const outcomes = await Promise.all(buckets.map((bucket, client) => createAll(bucket, client)));
  const values = await first.getMany(keys);
  const unclear = keys.filter((_, index) => {
    const winners = outcomes.flatMap((of, client) => (of[index] === "applied" ? [client] : []));
    return winners.length !== 1 || decode(values[index]?.[1]) !== String(winners[0]);
  });
  await Promise.all(stores.map((store) => store.close()));
  const expectedSum = clientCount * context.runs;
  const expectedSwaps = clientCount * swapsPerClient;
  const failures: string[] = [];
  if (sum !== expectedSum) failures.push(`the sum is ${sum}, not ${expectedSum}`);
  if (swapped !== expectedSwaps) failures.push(`${expectedSwaps} swaps were reported, but ${swapped} were counted`);
  if (unclear.length > 0) failures.push(`${unclear.length} keys do not have exactly one creator, with its value`);
  const figures = {
    sum,
    swapped,
    attempts: attempts.reduce((total, each) => total + each, 0),
    unclear: unclear.length,
  };
  const measured = `sum ${sum} of ${expectedSum}, ${swapped} of ${expectedSwaps} swaps, ${unclear.length} keys unclear`;
  return { measured, figures, failures };
}

async function incrementOften(bucket: Bucket, times: number): Promise<void> {
  for (let time = 0; time < times; time++) await bucket.increment("counter");
}

/** Counts to `swapsPerClient` in a key that all clients share. Returns the number of attempts. */
async function swapOften(bucket: Bucket): Promise<number> {
  let attempts = 0;
  let expected = await bucket.get("swapped");
  for (let done = 0; done < swapsPerClient; attempts++) {
    const value = encode(String(Number(decode(expected) ?? "0") + 1));
    const result = await bucket.compareAndSwap("swapped", { expected, value });
    if (result.swapped) done++;
    expected = result.swapped ? value : result.current;
  }
  return attempts;
}

const keys: readonly string[] = Array.from({ length: createdKeys }, (_, index) => `created ${index}`);

/** Creates all keys, with the number of the client as their value. Returns the outcome of each key. */
async function createAll(bucket: Bucket, client: number): Promise<readonly Outcome[]> {
  try {
    await bucket.setMany(
      keys.map((key) => [key, encode(String(client))]),
      { ifAbsent: true },
    );
    return keys.map(() => "applied");
  } catch (error) {
    if (!BatchError.is(error)) throw error;
    return keys.map((_, index) => error.outcomeOf(index));
  }
}

function encode(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function decode(value: Uint8Array | undefined): string | undefined {
  return value && new TextDecoder().decode(value);
}
