import assert from "node:assert/strict";
import { BatchError, type Entry, type Outcome, type StoreOptions } from "@manykv/core";
import { type Driver, keyExists, pickKeys } from "@manykv/core/driver";
import type { CaseContext } from "../case-context.js";
import type { ConformanceCase } from "../conformance-case.js";
import type { FaultSchedule, KeyFault } from "../faults/call-fault.js";
import { answerLost, refused } from "../faults/engine-faults.js";
import { faultDriver } from "../faults/fault-driver.js";
import { Random } from "../faults/random.js";
import { seededFaults } from "../faults/seeded-faults.js";
import { wrapDriver } from "../faults/wrap-driver.js";
import { bytes, sameBytes } from "../support/bytes.js";
import { farAway } from "../support/expiry.js";
import { quickRetry } from "../support/faulty-write.js";
import { type Recording, recordRequests } from "../support/recording-driver.js";
import { assertNothingApplied, assertOutcomes, batchErrorOf } from "../support/rejections.js";
import { textsOf } from "../support/texts.js";
import { outcomesOfWrite } from "../support/truth.js";

/** The result of a setMany with `ifAbsent` of the keys `k0`, `k1`, ... through a driver with faults. */
interface Result {
  readonly outcomes: readonly Outcome[];
  readonly error: BatchError | undefined;
  readonly requests: Recording["requests"];
  /** The stored values: `old`, `new` or `undefined`. */
  readonly stored: readonly (string | undefined)[];
}

interface FaultyCreate {
  readonly keys: number;
  /** The keys that exist before the call. */
  readonly existing?: readonly string[];
  readonly schedule: FaultSchedule;
  readonly store?: StoreOptions;
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}

/** Cases for rule S18: `ifAbsent` when keys or requests fail, and which requests core sends. */
export const lostAnswerCases: readonly ConformanceCase[] = [
  {
    id: "s18-lost-keys",
    rule: "S18",
    subject: "core",
    needs: ["ifAbsent"],
    title:
      "lost, existing and acknowledged keys of one request each have their own outcome, and only lost keys are repeated",
    async run(context) {
      const lost: KeyFault = { kind: "fail", fault: answerLost };
      const { outcomes, requests, stored } = await create(context, {
        keys: 5,
        existing: ["k1"],
        schedule: ({ call }) => ({
          kind: "keys",
          of: (key) => {
            if (call > 0) return undefined;
            return key === "k2" ? lost : key === "k3" ? { ...lost, applied: true } : undefined;
          },
        }),
      });
      assert.deepEqual(outcomes, ["applied", "not-applied", "applied", "unknown", "applied"]);
      assert.deepEqual(
        requests.map(({ keys }) => keys),
        [
          ["k0", "k1", "k2", "k3", "k4"],
          ["k2", "k3"],
        ],
      );
      assert.deepEqual(stored, ["new", "old", "new", "new", "new"]);
    },
  },
  {
    id: "s18-refused-after-lost",
    rule: "S18",
    subject: "core",
    needs: ["ifAbsent"],
    title: "a lost key stays `unknown` if its repetition is refused or finds that the key exists",
    async run(context) {
      for (const fault of [refused, keyExists]) {
        const { outcomes } = await create(context, {
          keys: 1,
          schedule: ({ call }) => ({
            kind: "keys",
            of: () => ({ kind: "fail", fault: call === 0 ? answerLost : fault }),
          }),
        });
        assert.deepEqual(outcomes, ["unknown"]);
      }
    },
  },
  {
    id: "s18-unprocessed",
    rule: "S18",
    subject: "core",
    needs: ["ifAbsent"],
    title: "only unprocessed keys are sent again, with their values and times to live, and then created or found",
    async run(context) {
      const { wrap, requests } = recordRequests();
      const schedule: FaultSchedule = ({ call }) => ({
        kind: "keys",
        of: (key) => (call < 2 && key !== `k${call}` ? { kind: "unprocessed" } : undefined),
      });
      const name = context.bucketName();
      const direct = await context.bucket({ name });
      await direct.set("k2", bytes("old"));
      const bucket = await context.bucket({
        name,
        wrap: (driver) => wrap(faultDriver(ofSeveralKeys(driver), schedule)),
        store: { retry: quickRetry, requestLimits: {} },
      });
      const entries = Array.from({ length: 4 }, (_, index): Entry => [`k${index}`, bytes(`of ${index}`)]);
      const error = await batchErrorOf(bucket.setMany(entries, { ifAbsent: true }), "precondition-failed");
      assertOutcomes(error, ["applied", "applied", "not-applied", "applied"]);
      assert.deepEqual(
        requests.map(({ keys }) => keys.join()),
        ["k0,k1,k2,k3", "k1,k2,k3", "k2,k3"],
      );
      for (const index of [0, 1, 3]) sameBytes(await direct.get(`k${index}`), bytes(`of ${index}`));
    },
  },
  {
    id: "s18-existing-keys-are-not-retried",
    rule: "S18",
    subject: "core",
    needs: ["ifAbsent"],
    title: "an existing key is not retried, and does not stop the other requests of the batch",
    async run(context) {
      const { outcomes, requests } = await create(context, {
        keys: 6,
        existing: ["k0", "k1", "k4"],
        schedule: () => undefined,
        store: { requestLimits: { maxKeys: 2 }, concurrency: 1 },
      });
      assert.deepEqual(outcomes, ["not-applied", "not-applied", "applied", "applied", "not-applied", "applied"]);
      assert.equal(requests.length, 3);
    },
  },
  {
    id: "s18-random-faults",
    rule: "S18",
    subject: "core",
    needs: ["ifAbsent"],
    title: "every outcome with `ifAbsent` is true under seeded faults of requests and keys",
    async run(context) {
      const rounds = Array.from({ length: 12 }, async (_, round) => {
        const random = new Random(context.seed + round);
        const existing = Array.from({ length: 12 }, (_, index) => `k${index}`).filter(() => random.chance(0.3));
        const { outcomes, stored } = await create(context, {
          keys: 12,
          existing,
          schedule: seededFaults({
            seed: context.seed + round,
            rate: 0.6,
            operations: ["setIfAbsent"],
            longestDelay: 5,
          }),
          store: { requestLimits: { maxKeys: 4 } },
          timeout: 1_000,
        });
        for (const [index, outcome] of outcomes.entries()) {
          const exists = existing.includes(`k${index}`);
          const what = `k${index} in round ${round}`;
          if (exists) {
            assert.equal(stored[index], "old", `${what} must not be overwritten`);
            assert.notEqual(outcome, "applied", `${what} existed`);
          } else if (outcome !== "unknown") {
            assert.equal(stored[index], outcome === "applied" ? "new" : undefined, `${what} is ${outcome}`);
          }
        }
      });
      await Promise.all(rounds);
    },
  },
  {
    id: "s18-request-limits",
    rule: "S18",
    subject: "core",
    needs: ["ifAbsent"],
    title: "requests with `ifAbsent` respect the driver's `limits.setIfAbsent`, or those of `set` without them",
    async run(context) {
      for (const [own, expected] of [
        [{ maxKeys: 1, maxBytes: 1_000 }, 5],
        [undefined, 2],
      ] as const) {
        const { requests, wrap } = recordRequests();
        const bucket = await context.bucket({
          store: { requestLimits: {} },
          wrap: (driver) => {
            const { setIfAbsent: _, ...others } = driver.limits;
            const limits = { ...others, set: { maxKeys: 3, maxBytes: 1_000 }, ...(own && { setIfAbsent: own }) };
            return wrap(wrapDriver(ofSeveralKeys(driver), { limits: Object.freeze(limits) }));
          },
        });
        const entries = Array.from({ length: 5 }, (_, index): Entry => [`k${index}`, bytes("v")]);
        await bucket.setMany(entries, { ifAbsent: true });
        assert.deepEqual(
          requests.map(({ operation }) => operation),
          new Array(expected).fill("setIfAbsent"),
        );
      }
    },
  },
  {
    id: "s18-values-are-copied",
    rule: "S18",
    subject: "core",
    needs: ["ifAbsent"],
    title: "the caller may reuse its buffers as soon as set or setMany with `ifAbsent` has returned its promise",
    async run(context) {
      const bucket = await context.bucket();
      const values = ["one", "two"].map(bytes);
      const calls = [
        bucket.set("one", values[0] as Uint8Array, { ifAbsent: true }),
        bucket.setMany([["two", values[1] as Uint8Array, { ttl: undefined }]], { ifAbsent: true }),
      ];
      for (const value of values) value.fill(0);
      await Promise.all(calls);
      for (const key of ["one", "two"]) sameBytes(await bucket.get(key), bytes(key));
    },
  },
  {
    id: "s18-bad-option",
    rule: "S18",
    subject: "core",
    needs: ["ifAbsent"],
    title: "an `ifAbsent` that is not a boolean is `invalid-argument`, and nothing is sent",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const bucket = await context.bucket({ wrap });
      for (const ifAbsent of ["yes", 1, 0, null, {}]) {
        const options = { ifAbsent: ifAbsent as boolean };
        assertNothingApplied(await batchErrorOf(bucket.set("a", bytes("v"), options), "invalid-argument"), 1);
        const entries: Entry[] = [
          ["a", bytes("v")],
          ["b", bytes("v")],
        ];
        assertNothingApplied(await batchErrorOf(bucket.setMany(entries, options), "invalid-argument"), 2);
      }
      assert.equal(requests.length, 0);
    },
  },
  {
    id: "s18-coalesced",
    rule: "S18",
    subject: "core",
    needs: ["ifAbsent", "ttl"],
    title: "with `coalesce`, one of two creates of a key in one turn is applied, and each set keeps its own `ttl`",
    async run(context) {
      const store = await context.store();
      const bucket = await store.open(context.bucketName(), { coalesce: true });
      const first = outcomesOfWrite(bucket.set("a", bytes("first"), { ifAbsent: true }), 1);
      const second = outcomesOfWrite(bucket.set("a", bytes("second"), { ifAbsent: true, ttl: farAway }), 1);
      await Promise.all([
        bucket.set("none", bytes("v")),
        bucket.set("hour", bytes("v"), { ttl: farAway }),
        bucket.set("twice", bytes("1"), { ttl: farAway }),
        bucket.set("twice", bytes("2")),
      ]);
      assert.deepEqual([...(await first), ...(await second)].sort(), ["applied", "not-applied"]);
      const [none, hour, twice] = await bucket.ttlMany(["none", "hour", "twice"]);
      assert.ok(typeof hour === "number" && hour > farAway / 2);
      assert.deepEqual([none, twice], [null, null]);
    },
  },
];

async function create(context: CaseContext, plan: FaultyCreate): Promise<Result> {
  const name = context.bucketName();
  const { requests, wrap } = recordRequests();
  const direct = await context.bucket({ name });
  const keys = Array.from({ length: plan.keys }, (_, index) => `k${index}`);
  await direct.setMany((plan.existing ?? []).map((key) => [key, bytes("old")]));
  const driver = ofSeveralKeys(await context.driver());
  const faulty = await context
    .storeOf(wrap(faultDriver(driver, plan.schedule)), { retry: quickRetry, requestLimits: {}, ...plan.store })
    .open(name);
  const { timeout, signal } = plan;
  const call = faulty.setMany(
    keys.map((key) => [key, bytes("new")]),
    { ifAbsent: true, timeout, signal },
  );
  const outcomes = await outcomesOfWrite(call, keys.length);
  const error: unknown = await call.catch((reason: unknown) => reason);
  return { outcomes, error: BatchError.is(error) ? error : undefined, requests, stored: await textsOf(direct, keys) };
}

/** Returns a driver that accepts as many keys with `ifAbsent` as in other sets, even if the engine accepts fewer. */
function ofSeveralKeys(driver: Driver): Driver {
  const { setIfAbsent: own, ...limits } = driver.limits;
  const { setIfAbsent } = driver;
  if (own === undefined || setIfAbsent === undefined) return driver;
  return wrapDriver(driver, {
    limits: Object.freeze(limits),
    setIfAbsent: async (request) => {
      const answers = await Promise.all(
        request.keys.map((_, index) => setIfAbsent.call(driver, pickKeys(request, [index]))),
      );
      const faults = answers.flatMap((answer, index) => answer.faults?.map((fault) => ({ ...fault, index })) ?? []);
      const unprocessed = answers.flatMap((answer, index) => answer.unprocessed?.map(() => index) ?? []);
      return { faults, unprocessed };
    },
  });
}
