import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import type { CallOptions } from "@manykv/core";
import type { ConformanceCase } from "../conformance-case.js";
import type { FaultSchedule } from "../faults/call-fault.js";
import { faultDriver } from "../faults/fault-driver.js";
import { wrapDriver } from "../faults/wrap-driver.js";
import { bytes, sameBytes } from "../support/bytes.js";
import { faultyWrite, writeKinds } from "../support/faulty-write.js";
import { batchErrorOf, rejectsWith } from "../support/rejections.js";
import { settles } from "../support/settles.js";

/** Time after which a cancelled call counts as hanging, in milliseconds. A cancelled call settles far earlier. */
const hangs = 8_000;

/** Cases for rule S11: the caller cancels a call with a signal. */
export const cancellingCases: readonly ConformanceCase[] = [
  ...writeKinds.flatMap((kind): ConformanceCase[] => [
    {
      id: `s11-cancelled-${kind}-across-seams`,
      rule: "S11",
      subject: "core",
      title: `if a ${kind}Many is cancelled, acknowledged keys are \`applied\`, keys in flight are \`unknown\` and unsent keys are \`not-applied\``,
      async run(context) {
        const controller = new AbortController();
        const schedule: FaultSchedule = ({ keys }) => {
          if (!keys.includes("k2")) return undefined;
          setTimeout(() => controller.abort(), 20);
          return { kind: "drop-request" };
        };
        const store = { requestLimits: { maxKeys: 1 }, concurrency: 1 };
        const { signal } = controller;
        const { outcomes } = await faultyWrite(context, { kind, keys: 5, schedule, signal, store });
        assert.deepEqual(outcomes, ["applied", "applied", "unknown", "not-applied", "not-applied"]);
      },
    },
  ]),
  {
    id: "s11-cancelled-while-sending",
    rule: "S11",
    subject: "core",
    title: "a call that is cancelled while its driver's method still runs synchronously settles at once",
    async run(context) {
      let controller = new AbortController();
      const schedule: FaultSchedule = () => {
        controller.abort();
        return { kind: "hang" };
      };
      const bucket = await context.bucket({ wrap: (driver) => faultDriver(driver, schedule) });
      const operations: readonly ((options: CallOptions) => Promise<unknown>)[] = [
        (options) => bucket.getMany(["a"], options),
        (options) => bucket.setMany([["a", bytes("v")]], options),
        (options) => bucket.deleteMany(["a"], options),
      ];
      for (const operation of operations) {
        controller = new AbortController();
        const call = operation({ signal: controller.signal, timeout: Number.POSITIVE_INFINITY });
        await settles(call, hangs, "a cancelled call");
        await rejectsWith(call, "aborted");
      }
    },
  },
  {
    id: "s11-signal-read-late",
    rule: "S11",
    subject: "core",
    title: "a driver that first reads `request.signal` after the abort finds it aborted",
    async run(context) {
      const controller = new AbortController();
      const seen = new Promise<boolean>((resolve) => {
        controller.signal.addEventListener("abort", () => setTimeout(() => resolve(late()), 20));
      });
      let late = (): boolean => false;
      const bucket = await context.bucket({
        wrap: (driver) =>
          wrapDriver(driver, {
            get: (request) => {
              late = () => request.signal.aborted;
              return new Promise(() => {});
            },
          }),
      });
      const reading = bucket.getMany(["a"], { signal: controller.signal });
      setTimeout(() => controller.abort(), 10);
      await rejectsWith(reading, "aborted");
      assert.equal(await seen, true);
    },
  },
  {
    id: "s11-cancelled-after",
    rule: "S11",
    subject: "core",
    title: "a settled call leaves no listener on its signal, and aborting the signal later changes nothing",
    async run(context) {
      const bucket = await context.bucket();
      const controller = new AbortController();
      const options = { signal: controller.signal };
      await bucket.setMany([["a", bytes("v")]], options);
      await bucket.getMany(["a"], options);
      await bucket.listKeys(options);
      await batchErrorOf(bucket.set("\ud800", bytes("v"), options));
      assert.equal(
        getEventListeners(controller.signal, "abort").length,
        0,
        "settled calls must leave no listener on the signal",
      );
      controller.abort();
      sameBytes(await bucket.get("a"), bytes("v"));
    },
  },
  {
    id: "s11-one-signal-for-many-calls",
    rule: "S11",
    subject: "core",
    title: "one signal cancels all calls that use it and no others, and 20 calls add at most 10 listeners to it",
    async run(context) {
      const bucket = await context.bucket({
        wrap: (driver) =>
          faultDriver(driver, ({ keys }) => (keys[0]?.startsWith("silent") ? { kind: "hang" } : undefined)),
      });
      const controller = new AbortController();
      const options = { signal: controller.signal };
      const silent = Array.from({ length: 20 }, (_, index) => bucket.getMany([`silent ${index}`], options));
      const other = bucket.getMany(["other"]);
      const listeners = getEventListeners(controller.signal, "abort").length;
      assert.ok(listeners <= 10, `20 calls must add at most 10 listeners to one signal, but added ${listeners}`);
      setTimeout(() => controller.abort(), 20);
      for (const call of silent) await rejectsWith(call, "aborted");
      assert.deepEqual(await other, [undefined]);
    },
  },
];
