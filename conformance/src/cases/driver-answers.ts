import assert from "node:assert/strict";
import { type Bucket, createStore, type Store, StoreError } from "@manykv/core";
import { changeRequest, createRequest, type Driver, type Fault, pickKeys, waitFor } from "@manykv/core/driver";
import type { CaseContext } from "../case-context.js";
import type { ConformanceCase } from "../conformance-case.js";
import { answerLost } from "../faults/engine-faults.js";
import { wrapDriver } from "../faults/wrap-driver.js";
import { bytes, sameBytes } from "../support/bytes.js";
import { recordEvents } from "../support/record-events.js";
import { batchErrorOf, rejectsWith } from "../support/rejections.js";

/** Methods of a driver that need not keep the types of the interface, as in a driver that is written in JavaScript. */
type Methods = { readonly [Method in keyof Driver]?: unknown };

const swap = { expected: undefined, value: undefined };

/** What a driver must not return, and the call that finds it. */
const wrongAnswers: readonly (readonly [
  method: keyof Driver,
  answer: unknown,
  call: (bucket: Bucket, store: Store) => Promise<unknown>,
])[] = [
  ["get", { values: [null] }, (bucket) => bucket.get("a")],
  ["get", { values: ["text"] }, (bucket) => bucket.get("a")],
  ["get", { values: [new ArrayBuffer(1)] }, (bucket) => bucket.get("a")],
  ["get", { values: [] }, (bucket) => bucket.get("a")],
  ["get", { values: [undefined, undefined] }, (bucket) => bucket.get("a")],
  ["get", {}, (bucket) => bucket.get("a")],
  ["get", undefined, (bucket) => bucket.get("a")],
  ["exists", { values: [1] }, (bucket) => bucket.exists("a")],
  ["ttl", { values: ["5"] }, (bucket) => bucket.ttlMany(["a"])],
  ["ttl", { values: [Number.NaN] }, (bucket) => bucket.ttlMany(["a"])],
  ["ttl", { values: [1.5] }, (bucket) => bucket.ttlMany(["a"])],
  ["ttl", { values: [-1] }, (bucket) => bucket.ttlMany(["a"])],
  ["list", undefined, (bucket) => bucket.listKeys()],
  ["list", { keys: "a" }, (bucket) => bucket.listKeys()],
  ["list", { keys: ["a", Buffer.from("b")] }, (bucket) => bucket.listKeys()],
  ["list", { keys: ["a"], cursor: null }, (bucket) => bucket.listKeys()],
  ["list", { keys: ["a"], cursor: 1 }, (bucket) => bucket.listKeys()],
  ["increment", 5, (bucket) => bucket.increment("a")],
  ["compareAndSwap", undefined, (bucket) => bucket.compareAndSwap("a", swap)],
  ["compareAndSwap", { swapped: 1 }, (bucket) => bucket.compareAndSwap("a", swap)],
  ["compareAndSwap", { swapped: false, current: null }, (bucket) => bucket.compareAndSwap("a", swap)],
  ["listBuckets", undefined, (_, store) => first(store.buckets())],
  ["listBuckets", { buckets: [1] }, (_, store) => first(store.buckets())],
  ["sweep", undefined, (_, store) => store.sweep()],
  ["sweep", { done: true }, (_, store) => store.sweep()],
  ["sweep", { swept: 1 }, (_, store) => store.sweep()],
  ["describe", undefined, (_, store) => store.describe()],
  ["describe", null, (_, store) => store.describe()],
];

const wrongFaults: readonly unknown[] = [
  undefined,
  null,
  {},
  { code: "throttled", retryable: true },
  { code: "busy", retryable: true, effect: "none" },
  { code: "toString", retryable: false, effect: "none" },
  { code: "throttled", retryable: 1, effect: "none" },
  { code: "throttled", retryable: true, effect: "some" },
];

/** Cases for what core accepts from a driver, and how it reports an answer that breaks the interface. */
export const driverAnswerCases: readonly ConformanceCase[] = [
  {
    id: "driver-buffers",
    rule: "driver",
    subject: "core",
    title: "if a driver returns Buffers, core returns plain Uint8Arrays that share no memory with them",
    async run(context) {
      const kept = ["of a", "", "of b"].map((text) => Buffer.from(text));
      const get: Driver["get"] = async ({ keys }) => ({
        values: keys.map((key) => (key === "missing" ? undefined : kept[Number(key)])),
      });
      const compareAndSwap: Driver["compareAndSwap"] = async () => ({ swapped: false, current: kept[0] });
      const bucket = await withMethods(context, { get, compareAndSwap });
      const pairs = await bucket.getMany(["0", "missing", "1", "2"]);
      const swapped = await bucket.compareAndSwap("a", swap);
      assert.equal(pairs[1], undefined);
      const values = [pairs[0]?.[1], pairs[2]?.[1], pairs[3]?.[1], swapped.swapped ? undefined : swapped.current];
      for (const [index, value] of values.entries()) {
        assert.equal(Object.getPrototypeOf(value), Uint8Array.prototype);
        const buffer = kept[index % 3] as Buffer;
        sameBytes(value, new Uint8Array(buffer));
        assert.notEqual(value?.buffer, buffer.buffer);
      }
    },
  },
  {
    id: "driver-plain-values",
    rule: "driver",
    subject: "core",
    title: "core does not copy a plain Uint8Array that a driver returns",
    async run(context) {
      const value = new Uint8Array([1, 2, 3]);
      const result = { swapped: false, current: value };
      const bucket = await withMethods(context, {
        get: async () => ({ values: [value] }),
        compareAndSwap: async () => result,
      });
      assert.equal(await bucket.get("a"), value);
      assert.equal(await bucket.compareAndSwap("a", swap), result);
    },
  },
  {
    id: "driver-wrong-answers",
    rule: "driver",
    subject: "core",
    title: "a call rejects with `internal` and the name of the method if the driver returns a value of a wrong type",
    async run(context) {
      for (const [method, answer, call] of wrongAnswers) {
        const what = `a call whose driver returns a wrong value from ${method}`;
        const store = await storeWith(context, { [method]: async () => answer });
        const error = await rejectsWith(call(await store.open(context.bucketName()), store), "internal", what);
        assert.equal(error.retryable, false);
        assert.match(error.reason ?? "", new RegExp(`^wrong answer of the driver: \`${method}\` must return `), what);
        const failed =
          method === "increment" || method === "compareAndSwap" ? await batchErrorOf(Promise.reject(error)) : undefined;
        if (failed !== undefined) assert.equal(failed.outcomeOf(0), "unknown");
      }
    },
  },
  {
    id: "driver-ignored-values",
    rule: "driver",
    subject: "core",
    title: "core ignores the value of a key that failed or is unprocessed, whatever it is",
    async run(context) {
      const refused: Fault = { code: "access-denied", retryable: false, effect: "none" };
      let calls = 0;
      const get = async () =>
        calls++ === 0
          ? { values: [null, bytes("v")], unprocessed: [0] }
          : { values: [null], faults: [{ ...refused, index: 0 }] };
      const bucket = await withMethods(context, { get });
      await rejectsWith(bucket.getMany(["a", "b"]), "access-denied");
      assert.equal(calls, 2);
    },
  },
  {
    id: "driver-wrong-indexes",
    rule: "driver",
    subject: "core",
    title: "a write is `unknown` if the driver reports a failure for an index that no key has",
    async run(context) {
      const fault: Fault = { code: "throttled", retryable: true, effect: "none" };
      const answers = [
        ...["a", 2, -1, 0.5].map((index) => ({ unprocessed: [0, index] })),
        ...[undefined, 2].map((index) => ({ faults: [{ ...fault, index }] })),
      ];
      for (const answer of answers) {
        const bucket = await withMethods(context, { set: async () => answer, delete: async () => answer });
        const entries = ["a", "b"].map((key) => [key, bytes("v")] as const);
        for (const write of [() => bucket.setMany(entries), () => bucket.deleteMany(["a", "b"])]) {
          const error = await batchErrorOf(write(), "internal");
          assert.deepEqual(error.counts, { applied: 0, "not-applied": 0, unknown: 2 });
          assert.match(error.reason ?? "", /must be an index of a key/);
        }
      }
    },
  },
  {
    id: "driver-wrong-faults",
    rule: "driver",
    subject: "core",
    title: "a write is `unknown` if the driver reports an incomplete fault, or if its `classify` throws",
    async run(context) {
      const fail = async () => {
        throw new Error("an error of the engine");
      };
      const methods: Methods[] = wrongFaults.flatMap((fault) => [
        { set: fail, classify: () => fault },
        { set: async () => ({ faults: [{ ...(fault as Fault), index: 0 }] }) },
      ]);
      methods.push({
        set: fail,
        classify: () => {
          throw new Error("classify throws");
        },
      });
      for (const each of methods) {
        const error = await batchErrorOf((await withMethods(context, each)).set("a", bytes("v")), "internal");
        assert.equal(error.outcomeOf(0), "unknown");
        assert.match(error.reason ?? "", /^wrong answer of the driver: /);
      }
    },
  },
  {
    id: "driver-incomplete",
    rule: "driver",
    subject: "core",
    title: "creating a store rejects a driver that lacks a method, a name or a limit, and says what it lacks",
    async run(context) {
      const driver = await context.driver();
      const { name, get, set, delete: remove, list, close, classify, limits } = driver;
      const complete = { name, get, set, delete: remove, list, close, classify, limits };
      const without = (field: string): object => ({ ...complete, [field]: undefined });
      const wrong: (readonly [lacking: string, driver: unknown])[] = [
        ...["get", "set", "delete", "list", "close", "classify", "name"].map(
          (field) => [field, without(field)] as const,
        ),
        ["name", { ...complete, name: "" }],
        ["get", undefined],
        ["get", null],
        ["limits.maxValueBytes", without("limits")],
      ];
      for (const field of ["maxValueBytes", "concurrency"])
        wrong.push([`limits.${field}`, { ...complete, limits: { ...limits, [field]: undefined } }]);
      for (const method of ["get", "set", "delete"] as const) {
        wrong.push([`limits.${method}.maxKeys`, { ...complete, limits: { ...limits, [method]: undefined } }]);
        for (const field of ["maxKeys", "maxBytes"]) {
          const changed = { ...limits, [method]: { ...limits[method], [field]: 0 } };
          wrong.push([`limits.${method}.${field}`, { ...complete, limits: changed }]);
        }
      }
      const setIfAbsent = { ...limits.set, maxBytes: "many" };
      wrong.push(["limits.setIfAbsent.maxBytes", { ...complete, limits: { ...limits, setIfAbsent } }]);
      for (const [lacking, each] of wrong) {
        assert.throws(
          () => createStore(each as Driver),
          (error) =>
            StoreError.is(error) && error.code === "invalid-argument" && error.message.includes(`${lacking}\``),
          `createStore must name ${lacking}`,
        );
      }
      createStore({ ...complete, limits: { ...limits, setIfAbsent: limits.set } } as Driver);
    },
  },
  {
    id: "driver-changed-request",
    rule: "driver",
    subject: "core",
    title: "changeRequest and pickKeys change only what they are told to, and the copy is aborted with the original",
    async run() {
      const controller = new AbortController();
      const values = ["of a", "of b", "of c"].map(bytes);
      const ttls = [undefined, 5, undefined];
      const details = { prefix: "p", cursor: "c", delta: 3n, ttl: 7, expected: bytes("e"), value: bytes("n") };
      const parts = { bucket: "b", keys: ["a", "b", "c"], values, ttls, deadline: 9, ...details };
      const request = createRequest({ ...parts, signal: controller.signal });
      assert.deepEqual(fieldsOf(changeRequest(request, { bucket: "other" })), { ...parts, bucket: "other", key: "a" });
      const swapped = changeRequest(request, { keys: ["d"], values: [bytes("of d")], ttls: undefined, prefix: "q" });
      assert.deepEqual([swapped.key, swapped.keys, swapped.ttls, swapped.prefix], ["d", ["d"], undefined, "q"]);
      const picked = pickKeys(request, [2, 1]);
      assert.deepEqual(
        [picked.keys, picked.values, picked.ttls],
        [
          ["c", "b"],
          [values[2], values[1]],
          [undefined, 5],
        ],
      );
      assert.equal(pickKeys(request, [0, 2]).ttls, undefined);
      assert.deepEqual(pickKeys(createRequest({ bucket: "b", keys: ["a", "b"] }), [1]).keys, ["b"]);

      const copies = [changeRequest(pickKeys(request, [0]), { bucket: "c" }), changeRequest(foreign(request), {})];
      const told: string[] = [];
      for (const copy of copies) {
        copy.onAbort(() => told.push("kept"));
        copy.onAbort(() => told.push("removed"))();
        assert.equal(copy.aborted, false);
      }
      controller.abort();
      assert.deepEqual(told, ["kept", "kept"]);
      for (const copy of [...copies, changeRequest(foreign(request), {})])
        assert.deepEqual([copy.aborted, copy.signal.aborted], [true, true]);
    },
  },
  {
    id: "driver-impossible-change",
    rule: "driver",
    subject: "core",
    title: "changeRequest throws if values are missing, and a request that was spread says that it lost its signal",
    async run() {
      const request = createRequest({ bucket: "b", keys: ["a", "b"], values: ["a", "b"].map(bytes), ttls: [1, 2] });
      assert.throws(() => changeRequest(request, { keys: ["a"], ttls: undefined }), /use pickKeys/);
      assert.throws(() => changeRequest(request, { ttls: [1] }), /use pickKeys/);
      const prepared = createRequest({ bucket: "b", keys: ["a"], prepared: "encoded" });
      assert.equal(changeRequest(prepared, {}).prepared, "encoded");
      assert.equal(changeRequest(prepared, { prepared: "again", bucket: "c" }).prepared, "again");
      assert.equal(changeRequest(prepared, { bucket: "c", values: [bytes("a")] }).prepared, undefined);
      for (const changes of [{ bucket: "c" }, { keys: ["c"] }])
        assert.throws(() => changeRequest(prepared, changes), /prepareSet has encoded/);
      const spread = { ...request } as unknown as typeof request;
      assert.throws(() => spread.onAbort(() => {}), /use changeRequest/);
      await assert.rejects(waitFor(spread, Promise.resolve()), /use changeRequest/);
    },
  },
  {
    id: "driver-fence-events",
    rule: "driver",
    subject: "core",
    title: "each fence publishes an event with the number of its keys and why it failed, and runs only if it is needed",
    async run(context) {
      let needless = 0;
      const works = async (): Promise<void> => {};
      const fails = (): Promise<void> => Promise.reject(new Error("the fence fails"));
      const unneeded = async (): Promise<void> => void needless++;
      const faults = [
        ...[works, fails, works].map((fence, index) => ({ ...answerLost, fence, index })),
        { ...answerLost, effect: "none", fence: unneeded, index: 3 },
      ];
      const classify = (): Fault => ({ code: "unavailable", retryable: true, effect: "none", reason: "ECONNREFUSED" });
      const answers = [{ faults }];
      const bucket = await withMethods(context, { set: async () => answers.shift() ?? {}, classify });
      const keys = ["a", "b", "c", "d"];
      const { calls, fences } = await recordEvents(bucket.name, () =>
        bucket.setMany(keys.map((key) => [key, bytes("v")] as const)),
      );
      assert.equal(needless, 0);
      const [call] = calls;
      assert.equal(call?.unsettled, 1);
      assert.deepEqual(
        fences.map(({ callId, operation, batchSize, code, reason }) => [callId, operation, batchSize, code, reason]),
        [
          [call?.id, "fence", 2, undefined, undefined],
          [call?.id, "fence", 1, "unavailable", "ECONNREFUSED"],
        ],
      );
      for (const { duration } of fences) assert.equal(typeof duration, "number");
    },
  },
];

/** Creates a store on a driver with the given methods, which replace those of the driver under test. */
async function storeWith(context: CaseContext, methods: Methods): Promise<Store> {
  const driver = await context.driver();
  return context.storeOf(wrapDriver(driver, methods as Partial<Driver>, ["prepareSet"]), {
    retry: { baseDelay: 0 },
    requestLimits: {},
  });
}

async function withMethods(context: CaseContext, methods: Methods): Promise<Bucket> {
  return (await storeWith(context, methods)).open(context.bucketName());
}

async function first(names: AsyncIterable<string>): Promise<string | undefined> {
  for await (const name of names) return name;
  return undefined;
}

type Request = ReturnType<typeof createRequest>;

function fieldsOf(request: Request): object {
  const { bucket, keys, key, values, ttls, deadline, prefix, cursor, delta, ttl, expected, value } = request;
  return { bucket, keys, key, values, ttls, deadline, prefix, cursor, delta, ttl, expected, value };
}

/** Returns a request that another copy of core could have created. */
function foreign(request: Request): Request {
  const { aborted, signal, deadline } = request;
  return {
    ...fieldsOf(request),
    deadline,
    aborted,
    signal,
    onAbort: (listener) => request.onAbort(listener),
  } as Request;
}
