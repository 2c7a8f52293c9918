import { setTimeout as delay } from "node:timers/promises";
import { Random } from "@manykv/conformance/faults";
import { type Bucket, createStore } from "@manykv/core";
import { openTestbed } from "../testbeds/open-testbed.js";
import { backendNames, direct } from "../testbeds/testbed.js";
import { backendOf, type Campaign, type CampaignContext, type CampaignResult } from "./campaign.js";

const keyCount = 10_000;
const keysPerBatch = 500;
const shortestTtl = 50;
const longestTtl = 5_000;
/** Time between the beginnings of two reads, in milliseconds. */
const readInterval = 20;
/** How long after its time a key may still be read, in milliseconds. */
const tolerance = 20;

/** One client sets keys that expire, and another one reads and lists them until all have expired. */
export const expiry: Campaign = {
  name: "expiry",
  what: "10,000 keys that expire after 50 ms to 5 s, read by another client",
  mustBe: `no key missing before its time or readable ${tolerance} ms after it, in reads and listings`,
  backends: backendNames,
  runs: { ci: 1, long: 5 },
  run: runExpiry,
};

/** A key that expires. Its times are on the clock of `performance.now()`. */
interface ExpiringKey {
  readonly key: string;
  readonly ttl: number;
  /** The key exists at least until this time. `Infinity` until the write is sent. */
  expiresAfter: number;
  /** The key has expired at the latest at this time. `Infinity` until the write is acknowledged. */
  expiresBefore: number;
  /** Whether the write was acknowledged. */
  isSet: boolean;
}

async function runExpiry(context: CampaignContext): Promise<CampaignResult> {
  await using testbed = await openTestbed(backendOf(context));
  const writer = createStore(testbed.driver(direct));
  const reader = createStore(testbed.driver(direct));
  const figures = { keys: 0, reads: 0, listings: 0, missing: 0, late: 0 };
  const failures: string[] = [];
  for (let run = 0; run < context.runs; run++) {
    const seed = context.seed + run;
    const random = new Random(seed);
    const keys = Array.from({ length: keyCount }, (_, index): ExpiringKey => {
      const ttl = random.integer(shortestTtl, longestTtl);
      return { key: `key ${index}`, ttl, expiresAfter: Infinity, expiresBefore: Infinity, isSet: false };
    });
    const name = `expiry-${run}`;
    const bucket = await reader.open(name);
    const watching = [watch(keys, () => readAll(bucket, keys)), watch(keys, () => listAll(bucket))] as const;
    await setAll(await writer.open(name), keys);
    const [read, listed] = await Promise.all(watching);
    const missing = read.missing + listed.missing;
    const late = read.late + listed.late;
    figures.missing += missing;
    figures.late += late;
    figures.keys += keyCount;
    figures.reads += read.rounds;
    figures.listings += listed.rounds;
    if (missing + late > 0) failures.push(`seed ${seed}: ${missing} missing, ${late} late`);
  }
  await writer.close();
  await reader.close();
  const { reads, listings, missing, late } = figures;
  const measured = `${missing} missing too early, ${late} readable too late, in ${reads} reads and ${listings} listings`;
  return { measured, figures, failures };
}

async function setAll(bucket: Bucket, keys: readonly ExpiringKey[]): Promise<void> {
  const value = new Uint8Array(100);
  for (let start = 0; start < keys.length; start += keysPerBatch) {
    const batch = keys.slice(start, start + keysPerBatch);
    const sent = performance.now();
    for (const each of batch) each.expiresAfter = sent + each.ttl;
    await bucket.setMany(batch.map(({ key, ttl }) => [key, value, { ttl }]));
    const acknowledged = performance.now();
    for (const each of batch) {
      each.expiresBefore = acknowledged + each.ttl;
      each.isSet = true;
    }
  }
}

/** Looks which keys exist until all have expired. Counts the keys that were missing too early or found too late. */
async function watch(
  keys: readonly ExpiringKey[],
  look: () => Promise<ReadonlySet<string>>,
): Promise<{ rounds: number; missing: number; late: number }> {
  let rounds = 0;
  let missing = 0;
  let late = 0;
  for (let left = keys.length; left > 0; rounds++) {
    const start = performance.now();
    const set = keys.filter(({ isSet }) => isSet);
    const found = await look();
    const end = performance.now();
    missing += set.filter(({ key, expiresAfter }) => end < expiresAfter && !found.has(key)).length;
    late += keys.filter(({ key, expiresBefore }) => start > expiresBefore + tolerance && found.has(key)).length;
    left = keys.filter(({ expiresBefore }) => start <= expiresBefore + tolerance).length;
    await delay(Math.max(0, start + readInterval - performance.now()));
  }
  return { rounds, missing, late };
}

async function readAll(bucket: Bucket, keys: readonly ExpiringKey[]): Promise<ReadonlySet<string>> {
  return new Set((await bucket.getMap(keys.map(({ key }) => key))).keys());
}

async function listAll(bucket: Bucket): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for await (const key of bucket.keys()) found.add(key);
  return found;
}
