import assert from "node:assert/strict";
import type { Bucket, Store } from "@manykv/core";
import type { Fault } from "@manykv/core/driver";
import type { CaseContext } from "../case-context.js";
import type { Ability, ConformanceCase } from "../conformance-case.js";
import { faultDriver } from "../faults/fault-driver.js";
import { type OptionalMethod, wrapDriver } from "../faults/wrap-driver.js";
import { abilitiesOf } from "../support/abilities.js";
import { bytes } from "../support/bytes.js";
import { keysIn } from "../support/listed.js";
import { recordRequests } from "../support/recording-driver.js";
import { assertNothingApplied, batchErrorOf, rejectsWith } from "../support/rejections.js";

/** A call that needs an ability. */
interface AbilityCall {
  readonly name: string;
  /** Number of entries that the call writes. 0 for a read. */
  readonly entries: number;
  call(bucket: Bucket, store: Store): Promise<unknown>;
}

const value = bytes("1");

/** The driver's method for each ability, and the calls that need it. */
const abilityCalls: { readonly [Name in Ability]: { method: OptionalMethod; calls: readonly AbilityCall[] } } = {
  ttl: {
    method: "ttl",
    calls: [
      { name: "set with `ttl`", entries: 1, call: (bucket) => bucket.set("a", value, { ttl: 60_000 }) },
      {
        name: "setMany with `ttl`",
        entries: 2,
        call: (bucket) =>
          bucket.setMany(
            [
              ["a", value],
              ["b", value],
            ],
            { ttl: 60_000 },
          ),
      },
      {
        name: "setMany with the `ttl` of an entry",
        entries: 3,
        call: (bucket) =>
          bucket.setMany([
            ["a", value],
            ["b", value, { ttl: 60_000 }],
            ["c", value],
          ]),
      },
      { name: "ttlMany", entries: 0, call: (bucket) => bucket.ttlMany(["a"]) },
    ],
  },
  ifAbsent: {
    method: "setIfAbsent",
    calls: [
      { name: "set with `ifAbsent`", entries: 1, call: (bucket) => bucket.set("new 1", value, { ifAbsent: true }) },
      {
        name: "setMany with `ifAbsent`",
        entries: 2,
        call: (bucket) =>
          bucket.setMany(
            [
              ["new 2", value],
              ["new 3", value],
            ],
            { ifAbsent: true },
          ),
      },
    ],
  },
  increment: {
    method: "increment",
    calls: [{ name: "increment", entries: 1, call: (bucket) => bucket.increment("counter") }],
  },
  compareAndSwap: {
    method: "compareAndSwap",
    calls: [
      {
        name: "compareAndSwap",
        entries: 1,
        call: (bucket) => bucket.compareAndSwap("swapped", { expected: undefined, value }),
      },
    ],
  },
  buckets: {
    method: "listBuckets",
    calls: [{ name: "buckets", entries: 0, call: (_, store) => store.buckets()[Symbol.asyncIterator]().next() }],
  },
};

const abilityNames = Object.keys(abilityCalls) as Ability[];

/** The ends of the ids of the cases without each ability. */
const idOf: { readonly [Name in Ability]: string } = {
  ttl: "ttl",
  ifAbsent: "if-absent",
  increment: "increment",
  compareAndSwap: "compare-and-swap",
  buckets: "buckets",
};

/** Cases for rule S22: calls that a backend does not support. */
export const unsupportedCases: readonly ConformanceCase[] = [
  {
    id: "s22-abilities",
    rule: "S22",
    subject: "driver",
    title: "describe() reports each ability as true or false, and as false if the driver lacks its method",
    async run(context) {
      const driver = await context.driver();
      const abilities = await abilitiesOf(context);
      assert.deepEqual(Object.keys(abilities).sort(), [...abilityNames, "settlesLostWrites"].sort());
      for (const name of abilityNames) {
        assert.equal(typeof abilities[name], "boolean", name);
        if (driver[abilityCalls[name].method] === undefined) assert.equal(abilities[name], false, name);
      }
    },
  },
  {
    id: "s22-reported-abilities-work",
    rule: "S22",
    subject: "driver",
    title: "what describe() reports as an ability works, and everything else is `unsupported` with advice",
    async run(context) {
      const abilities = await abilitiesOf(context);
      const store = await context.store();
      const bucket = await store.open(context.bucketName());
      for (const name of abilityNames) {
        for (const each of abilityCalls[name].calls) {
          if (abilities[name]) await each.call(bucket, store);
          else await isUnsupported(each, bucket, store);
        }
      }
    },
  },
  ...abilityNames.map(
    (name): ConformanceCase => ({
      id: `s22-without-${idOf[name]}`,
      rule: "S22",
      subject: "core",
      title: `without the driver's method \`${abilityCalls[name].method}\`, calls that need it are \`unsupported\`, nothing is sent, and describe() says so`,
      async run(context) {
        const { method, calls } = abilityCalls[name];
        const recording = recordRequests();
        const store = await context.store({ wrap: (driver) => recording.wrap(wrapDriver(driver, {}, [method])) });
        const bucket = await store.open(context.bucketName());
        for (const each of calls) await isUnsupported(each, bucket, store);
        assert.deepEqual(recording.requests, [], "nothing must be sent");
        assert.equal((await store.describe()).abilities[name], false);
        // Calls that do not need the ability still work.
        await bucket.setMany([["a", value, {}]], { ttl: undefined, ifAbsent: false });
        assert.deepEqual(await keysIn(bucket), ["a"]);
      },
    }),
  ),
  {
    id: "s22-without-ttl-other-abilities",
    rule: "S22",
    subject: "core",
    needs: ["ifAbsent", "increment"],
    title: "without the ability `ttl`, increment and `ifAbsent` work, but are `unsupported` with `ttl`",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const bucket = await context.bucket({ wrap: (driver) => wrap(wrapDriver(driver, {}, ["ttl"])) });
      const calls = [
        bucket.increment("a", 1, { ttl: 60_000 }),
        bucket.set("a", value, { ttl: 60_000, ifAbsent: true }),
        bucket.setMany([["a", value, { ttl: 60_000 }]], { ifAbsent: true }),
      ];
      for (const call of calls) assertNothingApplied(await batchErrorOf(call, "unsupported"), 1);
      assert.equal(requests.length, 0);
      assert.equal(await bucket.increment("a"), 1n);
      await bucket.set("b", value, { ifAbsent: true });
    },
  },
  {
    id: "s22-without-ability-coalesced",
    rule: "S22",
    subject: "core",
    title: "a coalescing bucket also rejects `ttl` and `ifAbsent` with `unsupported`, and nothing is sent",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const store = await context.store({
        wrap: (driver) => wrap(wrapDriver(driver, {}, ["ttl", "setIfAbsent"])),
      });
      const bucket = await store.open(context.bucketName(), { coalesce: true });
      const calls = [bucket.set("a", value, { ttl: 60_000 }), bucket.set("a", value, { ifAbsent: true })];
      for (const call of calls) assertNothingApplied(await batchErrorOf(call, "unsupported"), 1);
      assert.equal(requests.length, 0);
    },
  },
  {
    id: "s22-invalid-before-unsupported",
    rule: "S22",
    subject: "core",
    title: "an unknown option is `invalid-argument` and never ignored, whatever the backend can do",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const store = await context.store({ wrap });
      const bucket = await store.open(context.bucketName());
      const unknown = { TTL: 60_000 } as object;
      const writes: readonly (readonly [number, Promise<unknown>])[] = [
        [1, bucket.set("a", value, unknown)],
        [1, bucket.setMany([["a", value, unknown]])],
        [1, bucket.setMany([["a", value]], { ifAbsnt: true } as object)],
        [1, bucket.delete("a", { ttl: 1 } as object)],
        [1, bucket.increment("a", 1, { ifAbsent: true } as object)],
        [1, bucket.compareAndSwap("a", { expected: undefined, value }, { ttl: 1 } as object)],
      ];
      for (const [size, call] of writes) {
        const error = await batchErrorOf(call);
        assert.ok(["invalid-argument", "unsupported"].includes(error.code), error.code);
        assertNothingApplied(error, size);
      }
      await rejectsWith(bucket.clear({ prefx: "a" } as object), "invalid-argument");
      await rejectsWith(bucket.get("a", { prefix: "a" } as object), "invalid-argument");
      await rejectsWith(store.sweep({ prefix: "a" } as object), "invalid-argument");
      assert.equal(requests.length, 0);
    },
  },
  {
    id: "s22-server-lacks-an-ability",
    rule: "S22",
    subject: "core",
    needs: ["ttl", "ifAbsent", "increment", "compareAndSwap"],
    title: "if the driver reports that its server or table lacks an ability, the call fails at once with that advice",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const fault: Fault = {
        code: "unsupported",
        retryable: false,
        effect: "none",
        reason: "the table has no expiry column: call provision()",
      };
      const bucket = await context.bucket({
        wrap: (driver) => wrap(faultDriver(driver, () => ({ kind: "reject", fault }))),
      });
      const writes = [
        () => bucket.set("a", value, { ttl: 1 }),
        () => bucket.set("a", value, { ifAbsent: true }),
        () => bucket.increment("a"),
        () => bucket.compareAndSwap("a", { expected: undefined, value }),
      ];
      for (const call of writes) {
        const error = await batchErrorOf(call(), "unsupported");
        assertNothingApplied(error, 1);
        assert.match(error.message, /call provision\(\)/);
        assert.equal(error.retryable, false);
      }
      await rejectsWith(bucket.ttlMany(["a"]), "unsupported");
      assert.equal(requests.length, writes.length + 1, "no call must be repeated");
    },
  },
  {
    id: "s22-without-sweep",
    rule: "S22",
    subject: "core",
    title: "without the driver's method `sweep`, sweep returns 0, because the engine reclaims space without help",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const store = await context.store({ wrap: (driver) => wrap(wrapDriver(driver, {}, ["sweep"])) });
      assert.equal(await store.sweep(), 0);
      assert.equal(requests.length, 0);
    },
  },
  {
    id: "s22-sweep-steps",
    rule: "S22",
    subject: "core",
    title: "sweep repeats the driver's steps until none is left, returns the sum, and settles by its deadline",
    async run(context) {
      let steps = 0;
      const swept = await sweeping(context, async () => ({ swept: 10 - ++steps, done: steps === 3 }));
      assert.equal(await swept.sweep(), 9 + 8 + 7);
      assert.equal(steps, 3);
      const endless = await sweeping(context, async () => {
        await new Promise((resolve) => setTimeout(resolve, 1));
        return { swept: 0, done: false };
      });
      await rejectsWith(endless.sweep({ timeout: 100 }), "timeout");
      await rejectsWith(endless.sweep({ signal: AbortSignal.timeout(20) }), "aborted");
      await endless.close();
      await rejectsWith(endless.sweep(), "closed");
    },
  },
];

function sweeping(context: CaseContext, sweep: () => Promise<{ swept: number; done: boolean }>): Promise<Store> {
  return context.store({ wrap: (driver) => wrapDriver(driver, { sweep }) });
}

/** Asserts that a call rejects with `unsupported`, says what to do, and applied nothing. */
async function isUnsupported({ name, entries, call }: AbilityCall, bucket: Bucket, store: Store): Promise<void> {
  const error = await rejectsWith(call(bucket, store), "unsupported", name);
  if (entries > 0) assertNothingApplied(await batchErrorOf(call(bucket, store), "unsupported", name), entries);
  assert.match(error.message, /: .{5,}/, `the message for ${name} must say what to do`);
  assert.equal(error.retryable, false);
}
