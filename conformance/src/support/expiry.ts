import type { Bucket } from "@manykv/core";
import { keysIn } from "./listed.js";
import { pause } from "./settles.js";

/** Maximum difference between the clocks of the engine and the test during a case, in milliseconds. */
export const clockTolerance = 20;

/** A short time to live, in milliseconds. Cases only assert what happens after it has passed. */
export const soon = 40;

/** A time to live, in milliseconds, that does not end during a case. */
export const farAway = 3_600_000;

/** When keys expire, in milliseconds on the clock of `performance.now()`. */
export interface Expiry {
  readonly earliest: number;
  readonly latest: number;
}

/** Makes a write that gives keys a time to live. Returns when these keys expire, by the clock of the test. */
export async function expiryOf(ttl: number, write: () => Promise<unknown>): Promise<Expiry> {
  const sent = performance.now();
  await write();
  return { earliest: sent + ttl, latest: performance.now() + ttl };
}

/** Makes a write that gives keys a time to live, and waits until these keys have expired. */
export async function expire(ttl: number, write: () => Promise<unknown>): Promise<void> {
  const { latest } = await expiryOf(ttl, write);
  await passed(latest + clockTolerance);
}

/** Waits until the clock of the test shows `time`. */
export async function passed(time: number): Promise<void> {
  for (let left = time - performance.now(); left > 0; left = time - performance.now()) await pause(Math.ceil(left));
}

/** Asks every reading method whether the key exists, and returns the answers. Needs the ability `ttl`. */
export async function whoSees(bucket: Bucket, key: string): Promise<Record<string, boolean>> {
  const [pair] = await bucket.getMany([key]);
  const [exists] = await bucket.existsMany([key]);
  const [left] = await bucket.ttlMany([key]);
  const listings = await Promise.all([keysIn(bucket), keysIn(bucket, key.slice(0, 1))]);
  return {
    get: (await bucket.get(key)) !== undefined,
    getMany: pair !== undefined,
    getMap: (await bucket.getMap([key])).has(key),
    exists: await bucket.exists(key),
    existsMany: exists === true,
    ttlMany: left !== undefined,
    keys: listings[0].includes(key),
    "keys with a prefix": listings[1].includes(key),
  };
}

/** The answers of `whoSees` if every method agrees. */
export function everyMethod(sees: boolean): Record<string, boolean> {
  const names = ["get", "getMany", "getMap", "exists", "existsMany", "ttlMany", "keys", "keys with a prefix"];
  return Object.fromEntries(names.map((name) => [name, sees]));
}
