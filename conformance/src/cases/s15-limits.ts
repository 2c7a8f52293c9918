import assert from "node:assert/strict";
import { portableLimits, StoreError, type StoreOptions } from "@manykv/core";
import type { CaseContext } from "../case-context.js";
import type { ConformanceCase } from "../conformance-case.js";
import { bytes, pattern, sameBytes } from "../support/bytes.js";
import { batchErrorOf, rejectsWith } from "../support/rejections.js";
import { keyOfBytes } from "../support/strings.js";

/** Cases for rule S15: store options and limits. */
export const limitCases: readonly ConformanceCase[] = [
  {
    id: "s15-lowered-value",
    rule: "S15",
    subject: "core",
    title:
      "with a lower `maxValueBytes`, a value of that length is stored and a longer value is rejected with `too-large`",
    async run(context) {
      const bucket = await context.bucket({ store: { limits: { maxValueBytes: 10 } } });
      assert.equal(bucket.limits.maxValueBytes, 10);
      for (const size of [9, 10]) {
        await bucket.setMany([["key", pattern(size)]]);
        sameBytes(await bucket.get("key"), pattern(size));
      }
      for (const size of [11, 31]) {
        await batchErrorOf(bucket.set("key", pattern(size)), "too-large");
        await batchErrorOf(bucket.setMany([["key", pattern(size)]]), "too-large");
      }
      sameBytes(await bucket.get("key"), pattern(10));
    },
  },
  {
    id: "s15-lowered-key",
    rule: "S15",
    subject: "core",
    title:
      "with a lower `maxKeyBytes`, a key of that many UTF-8 bytes is stored and a longer key is rejected with `too-large`",
    async run(context) {
      const bucket = await context.bucket({ store: { limits: { maxKeyBytes: 12 } } });
      assert.equal(bucket.limits.maxKeyBytes, 12);
      for (const width of [1, 2, 3, 4] as const) {
        await bucket.set(keyOfBytes(12, width), bytes("v"));
        assert.equal(await bucket.exists(keyOfBytes(12, width)), true);
        await rejectsWith(bucket.get(keyOfBytes(13, width)), "too-large");
        await batchErrorOf(bucket.deleteMany([keyOfBytes(13, width)]), "too-large");
      }
    },
  },
  {
    id: "s15-lowered-to-nothing",
    rule: "S15",
    subject: "core",
    title: "with limits of 0, only the empty key with an empty value is accepted",
    async run(context) {
      const bucket = await context.bucket({ store: { limits: { maxKeyBytes: 0, maxValueBytes: 0 } } });
      await bucket.set("", new Uint8Array(0));
      sameBytes(await bucket.get(""), new Uint8Array(0));
      await batchErrorOf(bucket.set("a", new Uint8Array(0)), "too-large");
      await batchErrorOf(bucket.set("", bytes("v")), "too-large");
    },
  },
  {
    id: "s15-portable-limits",
    rule: "S15",
    subject: "driver",
    title: "the backend supports `portableLimits`",
    async run(context) {
      const own = (await context.bucket()).limits;
      const holds = own.maxKeyBytes >= portableLimits.maxKeyBytes && own.maxValueBytes >= portableLimits.maxValueBytes;
      if (!holds) context.skip("the limits of the backend or of the harness's options are below `portableLimits`");
      const bucket = await context.bucket({ store: { limits: portableLimits } });
      assert.deepEqual({ ...bucket.limits }, { ...portableLimits });
      const value = pattern(portableLimits.maxValueBytes);
      await bucket.set("key", value);
      sameBytes(await bucket.get("key"), value);
      await batchErrorOf(bucket.set("key", pattern(portableLimits.maxValueBytes + 1)), "too-large");
    },
  },
  {
    id: "s15-raised-limits",
    rule: "S15",
    subject: "core",
    title: "createStore rejects a limit above the backend's limit",
    async run(context) {
      const { maxValueBytes } = (await context.driver()).limits;
      await refusesOptions(context, { limits: { maxKeyBytes: portableLimits.maxKeyBytes + 1 } });
      await refusesOptions(context, { limits: { maxValueBytes: maxValueBytes + 1 } });
      await refusesOptions(context, { limits: { maxValueBytes: Number.POSITIVE_INFINITY } });
    },
  },
  {
    id: "s15-nonsense-options",
    rule: "S15",
    subject: "core",
    title: "createStore rejects options with invalid values",
    async run(context) {
      for (const bad of [-1, Number.NaN, "10", null, {}] as unknown as number[]) {
        await refusesOptions(context, { limits: { maxValueBytes: bad } });
        await refusesOptions(context, { limits: { maxKeyBytes: bad } });
        await refusesOptions(context, { requestLimits: { maxKeys: bad } });
        await refusesOptions(context, { requestLimits: { maxBytes: bad } });
        await refusesOptions(context, { concurrency: bad });
        await refusesOptions(context, { storeConcurrency: bad });
        await refusesOptions(context, { timeout: bad });
        await refusesOptions(context, { retry: { attempts: bad } });
      }
      await refusesOptions(context, { requestLimits: { maxKeys: 0 } });
      await refusesOptions(context, { concurrency: 0 });
      await refusesOptions(context, { buckets: ["a b"] });
    },
  },
  {
    id: "s15-unknown-options",
    rule: "S15",
    subject: "core",
    title: "createStore rejects an unknown option at any level with a message that names it",
    async run(context) {
      const misspelled: readonly object[] = [
        { timout: 100 },
        { limits: { timout: 100 } },
        { requestLimits: { timout: 100 } },
        { retry: { timout: 100 } },
      ];
      for (const options of misspelled) {
        await refusesOptions(context, options);
        const driver = await context.driver();
        assert.throws(() => context.storeOf(driver, options), /timout/, "the message must name the option");
      }
    },
  },
  {
    id: "s15-limits-are-frozen",
    rule: "S15",
    subject: "core",
    title: "a bucket's limits are frozen and the same for every bucket of the store",
    async run(context) {
      const store = await context.store({ store: { limits: { maxValueBytes: 100 } } });
      const [one, other] = [await store.open(context.bucketName()), await store.open(context.bucketName())];
      assert.throws(() => Object.assign(one.limits, { maxValueBytes: 1_000 }), TypeError);
      assert.deepEqual(one.limits, other.limits);
      await batchErrorOf(one.set("key", pattern(101)), "too-large");
    },
  },
];

async function refusesOptions(context: CaseContext, options: StoreOptions): Promise<void> {
  const driver = await context.driver();
  assert.throws(
    () => context.storeOf(driver, options),
    (error) => StoreError.is(error) && error.code === "invalid-argument",
    `createStore must reject the options ${JSON.stringify(options)} with invalid-argument`,
  );
}
