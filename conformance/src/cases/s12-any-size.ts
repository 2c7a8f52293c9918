import assert from "node:assert/strict";
import type { Bucket, Entry } from "@manykv/core";
import type { RequestLimits } from "@manykv/core/driver";
import type { ConformanceCase } from "../conformance-case.js";
import type { FaultSchedule } from "../faults/call-fault.js";
import { refused, unavailable } from "../faults/engine-faults.js";
import { faultDriver } from "../faults/fault-driver.js";
import { bytes, pattern, sameBytes } from "../support/bytes.js";
import { faultyWrite } from "../support/faulty-write.js";
import { recordRequests } from "../support/recording-driver.js";

const patient = { timeout: 100_000 };

/** Cases for rule S12: core splits batches to fit the engine's limits. */
export const sizeCases: readonly ConformanceCase[] = [
  {
    id: "s12-ten-thousand-keys",
    rule: "S12",
    subject: "driver",
    alone: true,
    title: "setMany, getMany and deleteMany accept 10,001 keys in one call, and no request exceeds the driver's limits",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const driver = await context.driver();
      const bucket = await context.storeOf(wrap(driver)).open(context.bucketName());
      const keys = Array.from({ length: 10_001 }, (_, index) => `key ${index}`);
      await bucket.setMany(
        keys.map((key) => [key, bytes(`of ${key}`)]),
        patient,
      );
      const answers = await bucket.getMany(keys, patient);
      for (const [index, answer] of answers.entries()) sameBytes(answer?.[1], bytes(`of key ${index}`));
      await bucket.deleteMany(keys, patient);
      assert.deepEqual(await bucket.getMany(keys.slice(0, 10)), new Array(10).fill(undefined));
      for (const { operation, keys, bytes: size } of requests) {
        const limits = driver.limits[operation as "get" | "set" | "delete"];
        assert.ok(
          keys.length <= limits.maxKeys,
          `a ${operation} request must have at most ${limits.maxKeys} keys, but has ${keys.length}`,
        );
        assert.ok(
          size <= limits.maxBytes || keys.length === 1,
          `a ${operation} request of several keys must have at most ${limits.maxBytes} bytes, but has ${size}`,
        );
      }
    },
  },
  ...[1, 2, 3].map(
    (maxKeys): ConformanceCase => ({
      id: `s12-seams-of-${maxKeys}`,
      rule: "S12",
      subject: "core",
      title: `with \`maxKeys: ${maxKeys}\`, batches below, at and above the limit are split by count, and getMany returns every value`,
      async run(context) {
        const { requests, wrap } = recordRequests();
        const bucket = await context.bucket({ wrap, store: { requestLimits: { maxKeys } } });
        for (const size of [maxKeys - 1, maxKeys, maxKeys + 1, 3 * maxKeys + 1]) {
          requests.length = 0;
          await writeReadDelete(bucket, size);
          assert.equal(requests.length, 3 * Math.ceil(size / maxKeys) + Math.ceil(size / maxKeys));
          for (const { keys } of requests) assert.ok(keys.length <= maxKeys);
        }
      },
    }),
  ),
  {
    id: "s12-seams-of-the-backend",
    rule: "S12",
    subject: "driver",
    title: "batches around the backend's limit of keys per request, or around 1,000 keys, are set, read and deleted",
    async run(context) {
      const driver = await context.driver();
      const bucket = await context.storeOf(driver).open(context.bucketName());
      const most = Math.min(driver.limits.set.maxKeys, 1_000);
      for (const size of [most - 1, most, most + 1]) await writeReadDelete(bucket, size);
    },
  },
  {
    id: "s12-seams-by-bytes",
    rule: "S12",
    subject: "core",
    title: "a batch is split by bytes into requests that are as full as the limit allows",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const requestLimits = { maxBytes: 100 };
      const bucket = await context.bucket({ wrap, store: { requestLimits } });
      const entries = Array.from(
        { length: 23 },
        (_, index): Entry => [`${index % 10}${index}`, pattern(index * 3, index)],
      );
      await bucket.setMany(entries);
      for (const { bytes: size, keys } of requests)
        assert.ok(
          size <= 100 || keys.length === 1,
          `a request of several keys must have at most 100 bytes, but has ${size}`,
        );
      for (const [index, { bytes: size }] of requests.entries()) {
        const next = requests[index + 1];
        if (next === undefined) break;
        const first = entries.find(([key]) => key === next.keys[0]) as Entry;
        assert.ok(
          size + first[0].length + first[1].byteLength > 100,
          "a request must not end before an entry that still fits into the request",
        );
      }
      const answers = await bucket.getMany(entries.map(([key]) => key));
      for (const [index, [, value]] of entries.entries()) sameBytes(answers[index]?.[1], value);
    },
  },
  {
    id: "s12-bytes-are-utf-8",
    rule: "S12",
    subject: "core",
    title: "the byte limit of a request counts the UTF-8 bytes of keys",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const bucket = await context.bucket({ wrap, store: { requestLimits: { maxBytes: 40 } } });
      await bucket.getMany(Array.from({ length: 12 }, (_, index) => `漢字${String(index).padStart(2, "0")}`));
      for (const { bytes: size } of requests)
        assert.ok(size <= 40, `a request must have at most 40 bytes, but has ${size}`);
      assert.equal(requests.length, 3, "12 keys of 8 bytes must fit into 3 requests of 40 bytes");
    },
  },
  {
    id: "s12-entry-over-the-bytes-of-a-request",
    rule: "S12",
    subject: "core",
    title:
      "an entry above the byte limit of a request is sent in a separate request, and the entries next to it are stored too",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const bucket = await context.bucket({ wrap, store: { requestLimits: { maxBytes: 50 } } });
      await bucket.setMany([
        ["a", bytes("small")],
        ["b", pattern(500)],
        ["c", bytes("small too")],
      ]);
      assert.deepEqual(
        requests.map(({ keys }) => keys),
        [["a"], ["b"], ["c"]],
      );
      sameBytes(await bucket.get("b"), pattern(500));
      sameBytes(await bucket.get("c"), bytes("small too"));
    },
  },
  {
    id: "s12-one-request-where-it-fits",
    rule: "S12",
    subject: "core",
    wit: ["batch 1", "batch 2"],
    title: "a batch of 100 keys is sent in as few requests as the driver's limits allow",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const driver = await context.driver();
      const bucket = await context.storeOf(wrap(driver), { requestLimits: {} }).open(context.bucketName());
      const keys = Array.from({ length: 100 }, (_, index) => `key ${index}`);
      await bucket.setMany(keys.map((key) => [key, bytes("v")]));
      await bucket.getMany(keys);
      await bucket.deleteMany(keys);
      const fewest = ({ maxKeys }: RequestLimits): number => Math.ceil(100 / maxKeys);
      const { get, set, delete: remove } = driver.limits;
      assert.deepEqual(
        ["set", "get", "delete"].map((name) => requests.filter(({ operation }) => operation === name).length),
        [fewest(set), fewest(get), fewest(remove)],
      );
    },
  },
  {
    id: "s12-many-megabytes",
    rule: "S12",
    subject: "driver",
    title: "a batch of several megabytes of large values is stored unchanged",
    async run(context) {
      const bucket = await context.bucket();
      const size = Math.min(200_000, bucket.limits.maxValueBytes);
      const entries = Array.from({ length: 40 }, (_, index): Entry => [`key ${index}`, pattern(size - index, index)]);
      await bucket.setMany(entries, patient);
      const answers = await bucket.getMany(
        entries.map(([key]) => key),
        patient,
      );
      for (const [index, [, value]] of entries.entries()) sameBytes(answers[index]?.[1], value);
    },
  },
  {
    id: "s12-bounded-concurrency",
    rule: "S12",
    subject: "core",
    title: "a call has up to `concurrency` requests in flight, and never more",
    async run(context) {
      for (const concurrency of [1, 3]) {
        const recording = recordRequests();
        const bucket = await context.bucket({
          store: { requestLimits: { maxKeys: 1 }, concurrency },
          wrap: (driver) => recording.wrap(faultDriver(driver, () => ({ kind: "late-answer", milliseconds: 5 }))),
        });
        await writeReadDelete(bucket, 12);
        assert.equal(recording.mostInFlight, concurrency);
      }
    },
  },
  {
    id: "s12-stuck-key-stops-no-other",
    rule: "S12",
    subject: "core",
    title: "a key that stays unprocessed or is refused does not stop the other requests of the batch",
    async run(context) {
      for (const fault of [{ kind: "unprocessed" }, { kind: "fail", fault: refused }] as const) {
        const schedule: FaultSchedule = () => ({
          kind: "keys",
          of: (key) => (key === "k1" ? fault : undefined),
        });
        const store = { requestLimits: { maxKeys: 2 }, concurrency: 1 };
        const { outcomes } = await faultyWrite(context, { kind: "set", keys: 8, schedule, store });
        assert.deepEqual(outcomes, ["applied", "not-applied", ...new Array(6).fill("applied")]);
      }
    },
  },
  {
    id: "s12-dead-engine-ends-the-batch",
    rule: "S12",
    subject: "core",
    title:
      "if the engine refuses whole requests or is unavailable, the rest of the batch is not sent and is `not-applied`",
    async run(context) {
      for (const fault of [refused, unavailable]) {
        const schedule: FaultSchedule = () => ({ kind: "reject", fault });
        const store = { requestLimits: { maxKeys: 1 }, concurrency: 2 };
        const { outcomes, error, requests } = await faultyWrite(context, {
          kind: "set",
          keys: 100,
          schedule,
          store,
        });
        assert.equal(error?.code, fault.code);
        assert.deepEqual([...new Set(outcomes)], ["not-applied"]);
        assert.ok(requests.length < 50, `core must send fewer than 50 requests, but sent ${requests.length}`);
      }
    },
  },
  {
    id: "s12-last-request",
    rule: "S12",
    subject: "core",
    title: "the last request of a batch is sent and awaited, even if it has only one key",
    async run(context) {
      const bucket = await context.bucket({
        store: { requestLimits: { maxKeys: 4 } },
        wrap: (driver) =>
          faultDriver(driver, ({ keys }) => (keys.length === 1 ? { kind: "delay", milliseconds: 30 } : undefined)),
      });
      await writeReadDelete(bucket, 9);
    },
  },
];

async function writeReadDelete(bucket: Bucket, size: number): Promise<void> {
  const keys = Array.from({ length: size }, (_, index) => `key ${index}`);
  await bucket.setMany(
    keys.map((key) => [key, bytes(`of ${key}`)]),
    patient,
  );
  const answers = await bucket.getMany(keys, patient);
  assert.deepEqual(
    answers,
    keys.map((key) => [key, bytes(`of ${key}`)]),
  );
  await bucket.deleteMany(keys, patient);
  assert.deepEqual(await bucket.getMany(keys, patient), new Array(size).fill(undefined));
}
