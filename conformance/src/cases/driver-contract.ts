import assert from "node:assert/strict";
import { portableLimits, type StoreErrorCode } from "@manykv/core";
import { createRequest, type Driver, type Fault, FaultError, type SetRequest, waitFor } from "@manykv/core/driver";
import type { ConformanceCase } from "../conformance-case.js";
import { sendSet, wrapDriver } from "../faults/wrap-driver.js";
import { bytes, pattern, sameBytes } from "../support/bytes.js";
import { recordRequests } from "../support/recording-driver.js";
import { assertNothingApplied, batchErrorOf, rejectsWith } from "../support/rejections.js";
import { settles } from "../support/settles.js";

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
  "precondition-failed",
  "wrong-type",
  "unsupported",
  "internal",
]);

/** Cases for the driver interface and its optional methods. Most cases call the driver directly, without core. */
export const driverCases: readonly ConformanceCase[] = [
  {
    id: "driver-name-and-limits",
    rule: "driver",
    subject: "driver",
    title: "a driver has a name and frozen limits, and its `maxValueBytes` is at least that of `portableLimits`",
    async run(context) {
      const { name, limits } = await context.driver();
      assert.match(name, /^[a-z][a-z0-9-]*$/);
      assert.ok(Object.isFrozen(limits), "`limits` must be frozen");
      assert.ok(
        limits.maxValueBytes >= portableLimits.maxValueBytes,
        "`limits.maxValueBytes` must be at least 400,000",
      );
      assert.ok(limits.concurrency >= 1, "`limits.concurrency` must be at least 1");
      for (const operation of ["get", "set", "delete"] as const) {
        assert.ok(limits[operation].maxKeys >= 1, `\`limits.${operation}.maxKeys\` must be at least 1`);
        assert.ok(limits[operation].maxBytes >= 1, `\`limits.${operation}.maxBytes\` must be at least 1`);
      }
    },
  },
  {
    id: "driver-places",
    rule: "driver",
    subject: "driver",
    title: "get returns one result per key, in the order of the keys",
    async run(context) {
      const driver = await context.driver();
      const bucket = context.bucketName();
      const keys = ["c", "missing", "a", "b"];
      await sendSet(driver, request(bucket, ["a", "b", "c"], ["of a", "of b", "of c"]));
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
    subject: "driver",
    title: "changing a value after its set request has resolved does not change the stored value",
    async run(context) {
      const driver = await context.driver();
      const bucket = context.bucketName();
      const value = pattern(300);
      await sendSet(driver, createRequest({ bucket, keys: ["a"], values: [value] }));
      value.fill(0);
      sameBytes((await driver.get(request(bucket, ["a"]))).values[0], pattern(300));
      await driver.close();
    },
  },
  {
    id: "driver-gives-values-away",
    rule: "driver",
    subject: "driver",
    title: "returned values share no memory with the driver or with each other",
    async run(context) {
      const driver = await context.driver();
      const bucket = context.bucketName();
      await sendSet(driver, request(bucket, ["a", "b"], ["of a", "of b"]));
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
    subject: "driver",
    title: "a request whose signal is already aborted settles",
    async run(context) {
      const driver = await context.driver();
      const signal = AbortSignal.abort();
      const aborted = createRequest({
        bucket: context.bucketName(),
        keys: ["a"],
        values: [bytes("v")],
        signal,
      });
      const calls: Promise<unknown>[] = [
        driver.get(aborted),
        sendSet(driver, aborted),
        driver.delete(aborted),
        driver.list(aborted),
      ];
      await Promise.all(calls.map((call) => settles(call, 10_000, "an aborted request")));
      await driver.close();
    },
  },
  {
    id: "driver-classify-anything",
    rule: "driver",
    subject: "driver",
    title: "classify returns a fault for anything that can be thrown",
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
    subject: "driver",
    title: "classify returns code `internal` and effect `unknown` for an error that the driver does not recognize",
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
    subject: "driver",
    title: "classify never copies the text of an error into the fault's `reason`",
    async run(context) {
      const driver = await context.driver();
      const text = "duplicate key (k)=(secret value)";
      const { reason } = driver.classify(Object.assign(new Error(text), { code: text, errno: text, name: text }));
      assert.ok(!reason?.includes("secret"), "classify: `reason` must not contain the text of the error");
      await driver.close();
    },
  },
  {
    id: "driver-fault-error",
    rule: "driver",
    subject: "core",
    title: "core uses the fault of a FaultError and does not call the driver's classify",
    async run(context) {
      const fault: Fault = { code: "access-denied", retryable: false, effect: "none", reason: "OWN" };
      assert.equal(new FaultError(fault).name, "FaultError");
      const fail = (): never => {
        throw new FaultError(fault);
      };
      const classify = (): never => {
        throw new Error("core must not call classify for a FaultError");
      };
      const wrap = (driver: Driver): Driver =>
        wrapDriver(driver, { get: fail, set: fail, classify }, ["exists", "prepareSet"]);
      const bucket = await context.bucket({ wrap });
      for (const call of [bucket.get("a"), bucket.set("a", bytes("v"))]) {
        const error = await rejectsWith(call, "access-denied");
        assert.equal(error.reason, "OWN");
      }
    },
  },
  {
    id: "driver-with-exists",
    rule: "driver",
    subject: "driver",
    title: "if the driver has `exists`, this method agrees with `get`, and core calls it instead of reading the value",
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
    subject: "core",
    title: "if the driver has no `exists`, core reads the value instead",
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
    subject: "driver",
    title: "if the driver has `prepareSet`, this method copies the values, and its result can be sent more than once",
    async run(context) {
      const driver = await context.driver();
      const { prepareSet } = driver;
      if (prepareSet === undefined) return context.skip("the driver has no `prepareSet`");
      const bucket = context.bucketName();
      const keys = ["a", "ä", "c"];
      const values = ["of a", "", "of c"].map(bytes);
      const prepared = prepareSet.call(driver, bucket, keys, values);
      for (const value of values) value.fill(0);
      for (let repetition = 0; repetition < 2; repetition++) {
        await driver.set(createRequest({ bucket, keys, prepared }));
        const answer = await driver.get(request(bucket, keys));
        for (const [index, text] of ["of a", "", "of c"].entries()) sameBytes(answer.values[index], bytes(text));
        await driver.delete(request(bucket, keys));
      }
    },
  },
  {
    id: "driver-wait-for",
    rule: "driver",
    subject: "core",
    title:
      "if a driver still waits with `waitFor` when its request times out, the write is `not-applied` and retryable",
    async run(context) {
      const connected = new Promise<never>(() => {});
      const wrap = (driver: Driver): Driver =>
        wrapDriver(driver, { set: (request) => waitFor(request, connected) }, ["prepareSet"]);
      const bucket = await context.bucket({ wrap, store: { retry: { attempts: 1 } } });
      const error = await batchErrorOf(bucket.set("a", bytes("v"), { timeout: 100 }), "timeout");
      assertNothingApplied(error, 1);
      assert.equal(error.retryable, true);
      const request = createRequest({ bucket: bucket.name, keys: ["a"] });
      assert.equal(await waitFor(request, Promise.resolve("connected")), "connected");
      await assert.rejects(waitFor(request, Promise.reject(new Error("refused"))), /refused/);
    },
  },
  {
    id: "driver-prepare-set-throws",
    rule: "driver",
    subject: "core",
    title: "if `prepareSet` throws, setMany rejects with the code that `classify` returns, and nothing is applied",
    async run(context) {
      const inner = await context.driver();
      const { requests, wrap } = recordRequests();
      const prepareSet = (): never => {
        throw new FaultError({ code: "unavailable", retryable: true, effect: "unknown", reason: "PREPARED" });
      };
      // The recording is below, because it leaves `prepareSet` out.
      const bucket = await context.storeOf(wrapDriver(wrap(inner), { prepareSet })).open(context.bucketName());
      const call = bucket.setMany([
        ["a", bytes("v")],
        ["b", bytes("v")],
      ]);
      const error = await batchErrorOf(call, "unavailable");
      assertNothingApplied(error, 2);
      assert.equal(error.reason, "PREPARED");
      assert.deepEqual(requests, []);
    },
  },
  {
    id: "driver-with-provision",
    rule: "driver",
    subject: "driver",
    title:
      "if the driver has `provision`, this method keeps the data and can run repeatedly and in several clients at once",
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
    subject: "core",
    title: "if the driver has no `provision`, the store's `provision` does nothing",
    async run(context) {
      const store = await context.store({ wrap: (driver) => wrapDriver(driver, {}, ["provision"]) });
      assert.equal(await store.provision(), undefined);
    },
  },
  {
    id: "driver-close-with-nothing-done",
    rule: "driver",
    subject: "driver",
    title: "close resolves for a driver that was never used",
    async run(context) {
      const driver = await context.driver();
      assert.equal((await settles(driver.close(), 10_000, "close")).status, "fulfilled");
    },
  },
];

function assertFault(fault: Fault): void {
  assert.ok(codes.has(fault.code), `classify: \`code\` must be a StoreErrorCode, but is ${String(fault.code)}`);
  assert.equal(typeof fault.retryable, "boolean", "classify: `retryable` must be a boolean");
  assert.ok(
    fault.effect === "none" || fault.effect === "unknown",
    `classify: \`effect\` must be none or unknown, but is ${String(fault.effect)}`,
  );
  assert.ok(
    fault.reason === undefined || typeof fault.reason === "string",
    "classify: `reason` must be a string or undefined",
  );
}

function request(bucket: string, keys: readonly string[], values: readonly string[] = []): SetRequest {
  return createRequest({ bucket, keys, values: values.map(bytes) });
}
