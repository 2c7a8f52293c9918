import assert from "node:assert/strict";
import type { StoreErrorCode } from "@manykv/core";
import type { Driver, Fault, KeysRequest } from "@manykv/core/driver";
import type { ConformanceCase } from "../conformance-case.js";
import { bytes, pattern, sameBytes } from "../support/bytes.js";
import { recordRequests } from "../support/recording-driver.js";
import { settles } from "../support/settles.js";
import { wrapDriver } from "../faults/wrap-driver.js";

const codes: ReadonlySet<StoreErrorCode> = new Set([
  "invalid-argument",
  "too-large",
  "throttled",
  "timeout",
  "aborted",
  "connection-lost",
  "unavailable",
  "closed",
  "no-such-store",
  "access-denied",
  "internal",
]);

/** The driver itself, without core, and its optional abilities. */
export const driverCases: readonly ConformanceCase[] = [
  {
    id: "driver-name-and-limits",
    rule: "driver",
    title: "a driver has a name, and limits that are frozen, positive and hold what every backend holds",
    async run(context) {
      const { name, limits } = await context.driver();
      assert.match(name, /^[a-z][a-z0-9-]*$/);
      assert.ok(Object.isFrozen(limits), "the limits are frozen");
      const numbers = {
        maxKeyBytes: limits.maxKeyBytes,
        maxValueBytes: limits.maxValueBytes,
        concurrency: limits.concurrency,
      };
      for (const [field, value] of Object.entries(numbers)) assert.ok(value >= 1, field);
      assert.equal(limits.maxKeyBytes, 1024, "every backend takes keys of 1,024 bytes, and no longer ones");
      for (const operation of ["get", "set", "delete"] as const) {
        assert.ok(limits[operation].maxKeys >= 1, `${operation}.maxKeys`);
        assert.ok(limits[operation].maxBytes >= 1, `${operation}.maxBytes`);
      }
    },
  },
  {
    id: "driver-places",
    rule: "driver",
    title: "get answers with one place for each key, in their order, and plain Uint8Arrays",
    async run(context) {
      const driver = await context.driver();
      const bucket = context.bucketName();
      const keys = ["c", "missing", "a", "b"];
      await driver.set(request(bucket, ["a", "b", "c"], ["of a", "of b", "of c"]));
      const { values, faults, unprocessed } = await driver.get(request(bucket, keys));
      assert.equal(faults?.length ?? 0, 0);
      assert.equal(unprocessed?.length ?? 0, 0);
      assert.equal(values.length, 4);
      assert.equal(values[1], undefined);
      for (const index of [0, 2, 3]) sameBytes(values[index], bytes(`of ${keys[index]}`));
      await driver.close();
    },
  },
  {
    id: "driver-keeps-no-value",
    rule: "driver",
    title: "a driver that does not say `keepsValues` has its own copy by the time it answers",
    async run(context) {
      const driver = await context.driver();
      const bucket = context.bucketName();
      const value = pattern(300);
      await driver.set({ ...request(bucket, ["a"]), values: [value] });
      if (driver.keepsValues !== true) value.fill(0);
      sameBytes((await driver.get(request(bucket, ["a"]))).values[0], pattern(300));
      await driver.close();
    },
  },
  {
    id: "driver-gives-values-away",
    rule: "driver",
    title: "what a driver answers shares no memory with what it keeps, nor one value with another",
    async run(context) {
      const driver = await context.driver();
      const bucket = context.bucketName();
      await driver.set(request(bucket, ["a", "b"], ["of a", "of b"]));
      const [a, b] = (await driver.get(request(bucket, ["a", "b"]))).values;
      a?.fill(0);
      sameBytes(b, bytes("of b"));
      b?.fill(255);
      sameBytes(a, new Uint8Array(4));
      const again = (await driver.get(request(bucket, ["a", "b"]))).values;
      sameBytes(again[0], bytes("of a"));
      sameBytes(again[1], bytes("of b"));
      await driver.close();
    },
  },
  {
    id: "driver-signal-fired",
    rule: "driver",
    title: "requests whose signal has fired already are answered or reject, and do not hang",
    async run(context) {
      const driver = await context.driver();
      const fired = { ...request(context.bucketName(), ["a"], ["v"]), signal: AbortSignal.abort() };
      const calls: Promise<unknown>[] = [
        driver.get(fired),
        driver.set(fired),
        driver.delete(fired),
        driver.list(fired),
      ];
      await Promise.all(calls.map((call) => settles(call, 10_000, "a request with a fired signal")));
      await driver.close();
    },
  },
  {
    id: "driver-classify-anything",
    rule: "driver",
    title: "classify gives a fault for anything that can be thrown, and does not throw",
    async run(context) {
      const driver = await context.driver();
      const anything = [
        undefined,
        null,
        0,
        "text",
        Symbol("x"),
        {},
        [],
        new Error("x"),
        new TypeError("y"),
        Object.create(null),
      ];
      const errors = [...anything, new AggregateError([new Error("x")]), new DOMException("x", "AbortError")];
      for (const error of errors) assertFault(driver.classify(error));
      await driver.close();
    },
  },
  {
    id: "driver-classify-unknown-error",
    rule: "driver",
    title: "an error that the driver does not know is internal, and may have come after the write",
    async run(context) {
      const driver = await context.driver();
      for (const error of [new Error("a defect"), new TypeError("another"), "text", undefined]) {
        const { code, effect } = driver.classify(error);
        assert.equal(code, "internal");
        assert.equal(effect, "unknown");
      }
      await driver.close();
    },
  },
  {
    id: "driver-classify-shows-nothing",
    rule: "driver",
    title: "the reason of a fault is the engine's code, never its text",
    async run(context) {
      const driver = await context.driver();
      const text = "duplicate key (k)=(secret value)";
      const { reason } = driver.classify(
        Object.assign(new Error(text), { code: text, errno: text, name: text }),
      );
      assert.ok(!reason?.includes("secret"), "the reason shows the engine's text");
      await driver.close();
    },
  },
  {
    id: "driver-with-exists",
    rule: "driver",
    title: "a driver with `exists`: it agrees with get, and core asks it instead of reading values",
    async run(context) {
      const recording = recordRequests();
      const driver = await context.driver();
      const { exists } = driver;
      if (exists === undefined) return context.skip("the driver has no `exists`");
      const bucket = await context.storeOf(recording.wrap(driver)).open(context.bucketName());
      await bucket.setMany([
        ["a", bytes("v")],
        ["empty", new Uint8Array(0)],
      ]);
      recording.requests.length = 0;
      assert.deepEqual(
        [await bucket.exists("a"), await bucket.exists("empty"), await bucket.exists("b")],
        [true, true, false],
      );
      assert.deepEqual(
        recording.requests.map(({ operation }) => operation),
        ["exists", "exists", "exists"],
      );
      const answer = await exists.call(driver, request(bucket.name, ["b", "a", "c", "empty"]));
      assert.deepEqual(answer.values, [false, true, false, true]);
    },
  },
  {
    id: "driver-without-exists",
    rule: "driver",
    title: "a driver without `exists`: core reads the value instead",
    async run(context) {
      const recording = recordRequests();
      const wrap = (driver: Driver): Driver => recording.wrap(wrapDriver(driver, {}, ["exists"]));
      const bucket = await context.bucket({ wrap });
      await bucket.set("a", new Uint8Array(0));
      recording.requests.length = 0;
      assert.deepEqual([await bucket.exists("a"), await bucket.exists("b")], [true, false]);
      assert.deepEqual(
        recording.requests.map(({ operation }) => operation),
        ["get", "get"],
      );
    },
  },
  {
    id: "driver-with-prepare-set",
    rule: "driver",
    title: "a driver with `prepareSet`: what it prepares holds copies, and stands for its own keys alone",
    async run(context) {
      const driver = await context.driver();
      const { prepareSet } = driver;
      if (prepareSet === undefined) return context.skip("the driver has no `prepareSet`");
      const asked = request(context.bucketName(), ["a", "ä", "c"], ["of a", "", "of c"]);
      const prepared = prepareSet.call(driver, asked.bucket, asked.keys, asked.values);
      for (const value of asked.values) value.fill(0);
      assert.equal(prepared.keys, asked.keys);
      for (const [index, text] of ["of a", "", "of c"].entries())
        sameBytes(prepared.valueAt(index), bytes(text));
      await driver.set({ ...asked, prepared });
      const others = request(asked.bucket, ["c", "d"], ["other c", "of d"]);
      await driver.set({ ...others, prepared });
      const { values } = await driver.get(request(asked.bucket, ["a", "ä", "c", "d"]));
      for (const [index, text] of ["of a", "", "other c", "of d"].entries())
        sameBytes(values[index], bytes(text));
    },
  },
  {
    id: "driver-with-provision",
    rule: "driver",
    title:
      "a driver with `provision`: it may be repeated, also at once from several clients, and keeps the data",
    async run(context) {
      const name = context.bucketName();
      const [one, other] = [await context.store(), await context.store()];
      if ((await context.driver()).provision === undefined) context.skip("the driver has no `provision`");
      const bucket = await one.open(name);
      await bucket.set("a", bytes("stays"));
      await Promise.all([one.provision(), other.provision(), one.provision()]);
      await one.provision();
      sameBytes(await bucket.get("a"), bytes("stays"));
    },
  },
  {
    id: "driver-without-provision",
    rule: "driver",
    title: "a driver without `provision`: the store's provision resolves and does nothing",
    async run(context) {
      const store = await context.store({ wrap: (driver) => wrapDriver(driver, {}, ["provision"]) });
      assert.equal(await store.provision(), undefined);
    },
  },
  {
    id: "driver-close-with-nothing-done",
    rule: "driver",
    title: "a driver that was never asked anything closes",
    async run(context) {
      const driver = await context.driver();
      assert.equal((await settles(driver.close(), 10_000, "close")).status, "fulfilled");
    },
  },
];

function assertFault(fault: Fault): void {
  assert.ok(codes.has(fault.code), `code ${String(fault.code)}`);
  assert.equal(typeof fault.retryable, "boolean");
  assert.ok(fault.effect === "none" || fault.effect === "unknown", `effect ${String(fault.effect)}`);
  assert.ok(fault.reason === undefined || typeof fault.reason === "string", "reason");
}

function request(
  bucket: string,
  keys: readonly string[],
  values: readonly string[] = [],
): KeysRequest & { values: Uint8Array[] } {
  const { signal } = new AbortController();
  return { bucket, keys, values: values.map(bytes), signal, deadline: Number.POSITIVE_INFINITY };
}
