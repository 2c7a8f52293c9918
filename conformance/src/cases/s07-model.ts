import type { ConformanceCase } from "../conformance-case.js";
import { faultDriver } from "../faults/fault-driver.js";
import { seededFaults } from "../faults/seeded-faults.js";
import { runModel } from "../model/run-model.js";

/** Default number of random call sequences in the case `s07-model`. */
export const defaultModelRuns = 200;

/** Cases for rule S7: random calls return the same results as a model of the bucket. */
export const modelCases: readonly ConformanceCase[] = [
  {
    id: "s07-model",
    rule: "S7",
    subject: "driver",
    wit: ["batch 4"],
    alone: true,
    title: "random calls of three clients, in sequence and concurrently, return the same results as a Map",
    async run(context) {
      const stores = [
        await context.store(),
        await context.store({ store: { requestLimits: { maxKeys: 2 } } }),
        await context.store({ store: { requestLimits: { maxBytes: 100 } } }),
      ];
      const runs = context.harness.modelRuns ?? defaultModelRuns;
      await runModel({ stores, runs, seed: context.seed, bucketName: () => context.bucketName() });
    },
  },
  {
    id: "s07-model-under-faults",
    rule: "S7",
    subject: "core",
    wit: ["batch 4"],
    alone: true,
    title: "random calls return the same results as a Map while requests are throttled, lost and retried",
    async run(context) {
      const retry = { attempts: 30, baseDelay: 1, maxDelay: 2 };
      const faults = ["unprocessed", "key-lost", "rejected", "request-lost", "answer-lost", "late-answer"] as const;
      const stores = [0, 1].map((client) => {
        const schedule = seededFaults({ seed: context.seed + client, rate: 0.3, faults, longestDelay: 3 });
        return context.store({ store: { retry }, wrap: (driver) => faultDriver(driver, schedule) });
      });
      const runs = Math.ceil((context.harness.modelRuns ?? defaultModelRuns) / 4);
      await runModel({
        stores: await Promise.all(stores),
        runs,
        seed: context.seed,
        bucketName: () => context.bucketName(),
      });
    },
  },
];
