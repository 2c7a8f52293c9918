import assert from "node:assert/strict";
import { type Bucket, type CallOptions, StoreError } from "@manykv/core";
import { bytes, sameBytes } from "../support/bytes.js";
import { rejectionOf } from "../support/rejections.js";
import type { ChildContext } from "./run-child.js";

/** Time after which calls end while the server is silent, in milliseconds. */
const silentTimeout = 400;
const silent: CallOptions = { timeout: silentTimeout };

export type ScenarioName =
  | "leave-open"
  | "close"
  | "close-unused"
  | "close-after-timeout"
  | "close-after-cancelling"
  | "close-during-calls"
  | "close-while-connecting"
  | "close-while-refused"
  | "lose-connections"
  | "fake-timers"
  | "frozen-built-ins";

type Scenario = (context: ChildContext) => Promise<void>;

/** What a child process can do. Each scenario resolves when nothing may keep the process alive any more. */
export const scenarios: { readonly [Name in ScenarioName]: Scenario } = {
  /** Uses a store and does not close it. */
  async "leave-open"(context: ChildContext): Promise<void> {
    await roundTrip((await context.open()).bucket);
  },

  async close(context: ChildContext): Promise<void> {
    const { store, bucket } = await context.open();
    await roundTrip(bucket);
    await store.close();
  },

  async "close-unused"(context: ChildContext): Promise<void> {
    await (await context.open()).store.close();
  },

  async "close-after-timeout"(context: ChildContext): Promise<void> {
    const { store, bucket } = await context.open();
    await roundTrip(bucket);
    await context.step("silence");
    for (const call of everyCall(bucket, silent)) await rejectionOf(call());
    await store.close();
  },

  async "close-after-cancelling"(context: ChildContext): Promise<void> {
    const { store, bucket } = await context.open();
    await roundTrip(bucket);
    await context.step("silence");
    const calls = everyCall(bucket, { signal: AbortSignal.timeout(silentTimeout) }).map((call) => rejectionOf(call()));
    await Promise.all(calls);
    await store.close();
  },

  async "close-during-calls"(context: ChildContext): Promise<void> {
    const { store, bucket } = await context.open();
    await roundTrip(bucket);
    await context.step("silence");
    const calls = everyCall(bucket, silent).map((call) => rejectionOf(call()));
    await store.close();
    await Promise.all(calls);
  },

  /** The server accepts connections, but sends nothing. */
  async "close-while-connecting"(context: ChildContext): Promise<void> {
    await loadClient(context);
    await context.step("silence");
    const { store, bucket } = await context.open();
    const calls = everyCall(bucket, silent).map((call) => rejectionOf(call()));
    await store.close();
    await Promise.all(calls);
  },

  /** The server refuses connections. */
  async "close-while-refused"(context: ChildContext): Promise<void> {
    await loadClient(context);
    await context.step("refuse");
    const { store, bucket } = await context.open();
    const calls = everyCall(bucket, silent).map((call) => rejectionOf(call()));
    await store.close();
    await Promise.all(calls);
  },

  /** The network closes connections while they are idle, opening or closing. */
  async "lose-connections"(context: ChildContext): Promise<void> {
    const { store, bucket } = await context.open();
    for (const how of ["cut", "reset"]) {
      // Makes a pool open several connections.
      await Promise.allSettled(Array.from({ length: 20 }, (_, index) => bucket.get(`key ${index}`)));
      await context.step(how);
      await eventually(() => roundTrip(bucket));
    }
    await context.step("reset-new");
    await context.step("reset");
    const opening = await context.open();
    for (const each of [bucket, opening.bucket])
      await Promise.allSettled(everyCall(each, silent).map((call) => call()));
    await context.step("serve");
    for (const each of [bucket, opening.bucket]) await eventually(() => roundTrip(each));
    await Promise.all([store.close(), opening.store.close(), context.step("reset")]);
  },

  /** Uses a store while the timers and clocks that tests replace stand still. */
  async "fake-timers"(context: ChildContext): Promise<void> {
    const first = await context.open();
    await roundTrip(first.bucket);
    const restore = stopTime();
    await roundTrip(first.bucket);
    const coalescing = await first.store.open(context.bucketName, { coalesce: true });
    await Promise.all(["a", "b"].map((key) => coalescing.set(key, bytes(key))));
    for (const key of ["a", "b"]) sameBytes(await coalescing.get(key), bytes(key));
    await coalescing.deleteMany(["a", "b"]);
    const second = await context.open();
    await roundTrip(second.bucket);
    await Promise.all([first.store.close(), second.store.close()]);
    restore();
  },

  /** Uses a store in a program that froze the prototypes of the built-in objects, as hardened programs do. */
  async "frozen-built-ins"(context: ChildContext): Promise<void> {
    for (const { prototype } of [Object, Array, Map, Set, Promise, String, Number, RegExp, Function, Error])
      Object.freeze(prototype);
    const { store, bucket } = await context.open();
    await roundTrip(bucket);
    await rejectionOf(bucket.get("\ud800"));
    await store.close();
  },
};

/** Loads the client library, so that on a busy machine a store connects before its calls time out. */
async function loadClient(context: ChildContext): Promise<void> {
  const { store, bucket } = await context.openDirectly();
  await roundTrip(bucket);
  await store.close();
}

/** Repeats calls that fail with a `StoreError`, because a client may notice only then that its connections are closed. */
async function eventually(call: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await call();
    } catch (error) {
      if (!StoreError.is(error) || tries === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

async function roundTrip(bucket: Bucket): Promise<void> {
  await bucket.setMany([
    ["one", bytes("1")],
    ["two", bytes("2")],
  ]);
  const values = await bucket.getMany(["one", "two", "missing"]);
  sameBytes(values[0]?.[1], bytes("1"));
  sameBytes(values[1]?.[1], bytes("2"));
  assert.equal(values[2], undefined);
  await bucket.deleteMany(["one", "two"]);
}

function everyCall(bucket: Bucket, options: CallOptions): readonly (() => Promise<unknown>)[] {
  return [
    () => bucket.get("one", options),
    () => bucket.getMany(["one", "two"], options),
    () => bucket.set("one", bytes("1"), options),
    () => bucket.deleteMany(["one", "two"], options),
    () => bucket.listKeys(options),
  ];
}

/** Replaces the global timers and clocks with ones that stand still. Returns a function that restores them. */
function stopTime(): () => void {
  const names = [
    "setTimeout",
    "setInterval",
    "setImmediate",
    "clearTimeout",
    "clearInterval",
    "clearImmediate",
  ] as const;
  const real = Object.fromEntries(names.map((name) => [name, globalThis[name]]));
  const { now } = performance;
  const realDate = Date.now;
  const time = realDate();
  for (const name of names)
    Object.assign(globalThis, { [name]: () => ({ ref() {}, unref() {}, hasRef: () => false }) });
  performance.now = () => 0;
  Date.now = () => time;
  return () => {
    Object.assign(globalThis, real);
    performance.now = now;
    Date.now = realDate;
  };
}
