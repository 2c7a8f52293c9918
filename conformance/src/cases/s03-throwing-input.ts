import assert from "node:assert/strict";
import { runInNewContext } from "node:vm";
import type { Bucket, CallOptions, Entry } from "@manykv/core";
import type { CaseContext } from "../case-context.js";
import type { ConformanceCase } from "../conformance-case.js";
import { faultDriver } from "../faults/fault-driver.js";
import { bytes, sameBytes } from "../support/bytes.js";
import { recordRequests } from "../support/recording-driver.js";
import { assertNothingApplied, batchErrorOf, rejectsWith } from "../support/rejections.js";

const fail = (): never => {
  throw new RangeError("thrown by the caller's object");
};

/** Handler of a Proxy that throws an error at every operation. */
const failing: ProxyHandler<object> = {
  get: fail,
  getOwnPropertyDescriptor: fail,
  getPrototypeOf: fail,
  has: fail,
  ownKeys: fail,
};

function revoked(target: object): unknown {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

function outOfBounds(): Uint8Array {
  const buffer = new ArrayBuffer(4, { maxByteLength: 8 });
  const view = new Uint8Array(buffer, 2, 2);
  buffer.resize(1);
  return view;
}

function detached(): Uint8Array {
  const value = bytes("gone");
  structuredClone(value.buffer, { transfer: [value.buffer] });
  return value;
}

/** Values that cannot be read. Many of them throw an error when a program inspects them. */
const unreadableValues: readonly (readonly [kind: string, make: () => unknown])[] = [
  ["a view out of the bounds of a resizable buffer", outOfBounds],
  ["a view of a detached buffer", detached],
  ["a Proxy of a Uint8Array", () => new Proxy(bytes("v"), {})],
  ["a Proxy that throws", () => new Proxy(bytes("v"), failing)],
  ["a revoked Proxy", () => revoked(bytes("v"))],
  ["an object that only inherits from Uint8Array", () => Object.create(Uint8Array.prototype)],
  ["an object whose Symbol.toStringTag throws", () => Object.defineProperty({}, Symbol.toStringTag, { get: fail })],
];

/** Entries that cannot be read. */
const unreadableEntries: readonly (readonly [kind: string, make: () => unknown])[] = [
  ["a revoked Proxy", () => revoked([])],
  ["a Proxy that throws", () => new Proxy([], failing)],
  ["a pair whose key throws", () => Object.defineProperty(["", bytes("v")], 0, { get: fail })],
  ["a pair whose value throws", () => Object.defineProperty(["key", undefined], 1, { get: fail })],
];

class Overriding extends Uint8Array {
  override get length(): number {
    return fail();
  }
  override get byteLength(): number {
    return 1;
  }
}

/** Values that are unusual, but can be stored. Each contains the bytes of `stored`. */
const readableValues: readonly (readonly [kind: string, make: () => unknown])[] = [
  ["a Uint8Array of another realm", () => runInNewContext('Uint8Array.from([..."stored"], (c) => c.charCodeAt(0))')],
  ["a subclass that overrides its length", () => new Overriding(bytes("stored"))],
  ["an array with an own length that throws", () => Object.defineProperty(bytes("stored"), "length", { get: fail })],
  [
    "an array with an own buffer",
    () => Object.defineProperty(bytes("stored"), "buffer", { value: new ArrayBuffer(6) }),
  ],
  [
    "a view of shared memory",
    () => {
      const view = new Uint8Array(new SharedArrayBuffer(6));
      view.set(bytes("stored"));
      return view;
    },
  ],
  [
    "a view that grew with its buffer",
    () => {
      const buffer = new ArrayBuffer(2, { maxByteLength: 8 });
      const view = new Uint8Array(buffer);
      buffer.resize(6);
      view.set(bytes("stored"));
      return view;
    },
  ],
];

/** Call options that throw an error, or whose signal does. */
const badOptions: readonly (readonly [kind: string, options: object])[] = [
  ["a timeout that throws", Object.defineProperty({}, "timeout", { get: fail, enumerable: true })],
  ["a signal that throws", Object.defineProperty({}, "signal", { get: fail, enumerable: true })],
  ["a Proxy that throws", new Proxy({}, failing)],
  ["a Proxy of a signal that throws", { signal: new Proxy(new AbortController().signal, failing) }],
  ["a signal without removeEventListener", { signal: { aborted: false, addEventListener: () => {} } }],
  ["a signal without aborted", { signal: new EventTarget() }],
  ["a signal that rejects listeners", { signal: lookAlike({ addEventListener: fail }) }],
];

function lookAlike(members: object): object {
  return { aborted: false, addEventListener: () => {}, removeEventListener: () => {}, ...members };
}

const good = (): Entry[] => [
  ["a", bytes("new")],
  ["b", bytes("new")],
  ["c", bytes("new")],
];

/** Asserts that `setMany` rejects because of entry 1, that its outcomes are complete, and that nothing is sent. */
async function refusesEntry1(context: CaseContext, entries: () => Iterable<Entry>, what: string): Promise<void> {
  const { requests, wrap } = recordRequests();
  const bucket = await context.bucket({ wrap, store: { requestLimits: { maxKeys: 1 } } });
  for (const input of [entries(), new Set(entries())]) {
    const error = await batchErrorOf(bucket.setMany(input), "invalid-argument", `setMany with ${what}`);
    assertNothingApplied(error, 3);
    assert.match(error.message, /entry 1\b/, `setMany with ${what}: the message must contain the index`);
  }
  assert.equal(requests.length, 0, `setMany with ${what} must send nothing`);
}

/** Cases for rule S3: inputs that throw errors, change or lie while they are read. */
export const throwingInputCases: readonly ConformanceCase[] = [
  {
    id: "s03-unreadable-values",
    rule: "S3",
    subject: "core",
    title: "setMany rejects a value that cannot be read, even if the value throws, and the message contains its index",
    async run(context) {
      for (const [kind, make] of unreadableValues) {
        const entries = good();
        entries[1] = ["b", make() as Uint8Array];
        await refusesEntry1(context, () => entries, kind);
      }
    },
  },
  {
    id: "s03-unreadable-value-of-set",
    rule: "S3",
    subject: "core",
    title: "set rejects a value that cannot be read, with and without `coalesce`, and sends nothing",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const store = await context.store({ wrap });
      for (const coalesce of [false, true]) {
        const bucket = await store.open(context.bucketName(), { coalesce });
        for (const [kind, make] of unreadableValues) {
          const write = bucket.set("key", make() as Uint8Array);
          assertNothingApplied(await batchErrorOf(write, "invalid-argument", `set of ${kind}`), 1);
        }
      }
      assert.equal(requests.length, 0, "the driver must receive no request");
    },
  },
  {
    id: "s03-unusual-values",
    rule: "S3",
    subject: "core",
    title: "a Uint8Array of another realm, a subclass, and views of shared or resizable memory are stored completely",
    async run(context) {
      const store = await context.store();
      for (const coalesce of [false, true]) {
        const bucket = await store.open(context.bucketName(), { coalesce });
        for (const [kind, make] of readableValues) {
          await bucket.set("single", make() as Uint8Array);
          await bucket.setMany([["in an array", make() as Uint8Array]]);
          await bucket.setMany(new Set([["in a set", make() as Uint8Array] as const]));
          const stored = await bucket.getMany(["single", "in an array", "in a set"]);
          for (const answer of stored) sameBytes(answer?.[1], bytes("stored"), kind);
        }
      }
    },
  },
  {
    id: "s03-unreadable-entries",
    rule: "S3",
    subject: "core",
    title: "setMany rejects an entry that throws an error when it is read, and the message contains its index",
    async run(context) {
      for (const [kind, make] of unreadableEntries) {
        const entries = good();
        entries[1] = make() as Entry;
        await refusesEntry1(context, () => entries, kind);
      }
    },
  },
  {
    id: "s03-unreadable-element",
    rule: "S3",
    subject: "core",
    title: "if reading an element of an array throws an error, the outcomes include every element",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const bucket = await context.bucket({ wrap });
      const throwing = <Element>(array: Element[]): Element[] => Object.defineProperty(array, 1, { get: fail });
      const writes = [() => bucket.setMany(throwing(good())), () => bucket.deleteMany(throwing(["a", "b", "c"]))];
      for (const write of writes) {
        const error = await batchErrorOf(write(), "invalid-argument");
        assertNothingApplied(error, 3);
        assert.match(error.message, /entry 1\b/);
      }
      await rejectsWith(bucket.getMany(throwing(["a", "b", "c"])), "invalid-argument");
      assert.equal(requests.length, 0, "the driver must receive no request");
    },
  },
  {
    id: "s03-unreadable-iterables",
    rule: "S3",
    subject: "core",
    title: "an iterable that throws at any step is rejected with `invalid-argument`",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const bucket = await context.bucket({ wrap });
      const iterables: readonly (readonly [kind: string, input: unknown])[] = [
        ["a revoked Proxy", revoked([])],
        ["a Proxy that throws", new Proxy([], failing)],
        ["an iterable without a readable iterator", Object.defineProperty({}, Symbol.iterator, { get: fail })],
        ["an iterable that throws", { [Symbol.iterator]: fail }],
        ["an iterator that throws", { [Symbol.iterator]: () => ({ next: fail }) }],
        ["an iterator that returns no object", { [Symbol.iterator]: () => ({ next: () => 1 }) }],
        ["a Proxy of a Map", new Proxy(new Map(), {})],
      ];
      for (const [kind, input] of iterables) {
        await batchErrorOf(bucket.setMany(input as []), "invalid-argument", `setMany of ${kind}`);
        await batchErrorOf(bucket.deleteMany(input as []), "invalid-argument", `deleteMany of ${kind}`);
        await rejectsWith(bucket.getMany(input as []), "invalid-argument", `getMany of ${kind}`);
      }
      assert.equal(requests.length, 0, "the driver must receive no request");
    },
  },
  {
    id: "s03-first-fault-wins",
    rule: "S3",
    subject: "core",
    title: "an invalid entry is reported even if the iterator later throws an error",
    async run(context) {
      const bucket = await context.bucket();
      const keys = function* () {
        yield* ["a", "\ud800", "c"];
        fail();
      };
      const error = await batchErrorOf(bucket.deleteMany(keys()), "invalid-argument");
      assert.match(error.message, /entry 1\b.*surrogate/);
      assertNothingApplied(error, 3);
    },
  },
  {
    id: "s03-return-that-throws",
    rule: "S3",
    subject: "core",
    title: "if the deadline passes while an iterable is read, an iterator whose `return` throws does not hide this",
    async run(context) {
      const bucket = await context.bucket();
      const keys = { [Symbol.iterator]: () => ({ next: () => ({ value: "a", done: false }), return: fail }) };
      await rejectsWith(bucket.getMany(keys, { timeout: 5 }), "timeout", "getMany");
      await batchErrorOf(bucket.deleteMany(keys, { timeout: 5 }), "timeout", "deleteMany");
    },
  },
  {
    id: "s03-values-that-change",
    rule: "S3",
    subject: "core",
    title: "if reading an entry changes an earlier value, this value is stored as it was or the batch is rejected",
    async run(context) {
      const bucket = await context.bucket();
      const value = bytes("as it was");
      const entries = good();
      entries[0] = ["a", value];
      Object.defineProperty(entries, 2, {
        get: () => {
          structuredClone(value.buffer, { transfer: [value.buffer] });
          return ["c", bytes("new")];
        },
      });
      const error = await bucket.setMany(entries).catch((reason: unknown) => reason);
      if (error === undefined) return sameBytes(await bucket.get("a"), bytes("as it was"));
      const failed = await batchErrorOf(Promise.reject(error), "invalid-argument", "setMany");
      assert.match(failed.message, /entry 0\b/);
      assertNothingApplied(failed, 3);
    },
  },
  {
    id: "s03-unreadable-options",
    rule: "S3",
    subject: "core",
    title:
      "every method rejects options that throw an error, or whose signal is not an AbortSignal, with `invalid-argument`",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const store = await context.store({ wrap });
      for (const coalesce of [false, true]) {
        const bucket = await store.open(context.bucketName(), { coalesce });
        for (const [kind, options] of badOptions) await refusesOptions(bucket, options, kind);
      }
      for (const options of [new Proxy({}, failing), Object.defineProperty({}, "coalesce", { get: fail })])
        await rejectsWith(store.open(context.bucketName(), options), "invalid-argument", "open");
      assert.equal(requests.length, 0, "the driver must receive no request");
    },
  },
  {
    id: "s03-options-are-read-once",
    rule: "S3",
    subject: "core",
    title: "the options of a call are read once, so that a getter cannot change them after they were checked",
    async run(context) {
      const bucket = await context.bucket();
      let reads = 0;
      const options = Object.defineProperty({}, "timeout", { get: () => (reads++ === 0 ? 10_000 : "later") });
      await bucket.setMany(good(), options);
      assert.equal(reads, 1, "setMany must read `timeout` once");
    },
  },
  {
    id: "s03-signals-of-other-libraries",
    rule: "S3",
    subject: "core",
    title: "a signal that is not an AbortSignal but has its members can cancel a call",
    async run(context) {
      const bucket = await context.bucket({ wrap: (driver) => faultDriver(driver, () => ({ kind: "hang" })) });
      const listeners = new Set<() => void>();
      const signal = {
        aborted: false,
        addEventListener: (_: string, listener: () => void) => listeners.add(listener),
        removeEventListener: fail,
      };
      const reading = bucket.get("a", { signal: signal as unknown as AbortSignal });
      signal.aborted = true;
      for (const listener of listeners) listener();
      await rejectsWith(reading, "aborted");
    },
  },
];

async function refusesOptions(bucket: Bucket, options: CallOptions, kind: string): Promise<void> {
  const writes = [
    () => bucket.set("a", bytes("v"), options),
    () => bucket.delete("a", options),
    () => bucket.setMany([["a", bytes("v")]], options),
    () => bucket.deleteMany(["a"], options),
  ];
  for (const write of writes) {
    assertNothingApplied(await batchErrorOf(write(), "invalid-argument", `a write with ${kind}`), 1);
  }
  const reads = [
    () => bucket.get("a", options),
    () => bucket.exists("a", options),
    () => bucket.getMany(["a"], options),
    () => bucket.listKeys(options),
    () => bucket.keys(options)[Symbol.asyncIterator]().next(),
  ];
  for (const read of reads) await rejectsWith(read(), "invalid-argument", `a read with ${kind}`);
}
