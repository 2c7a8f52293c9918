import type { Bucket, Store } from "@manykv/core";
import fc from "fast-check";
import { deriveSeed } from "../faults/random.js";
import { runSteps } from "./run-steps.js";
import { modelSteps } from "./step.js";

/** Runs at the same time, each on a bucket of its own, so that a slow engine is waited for once and not each time. */
const lanes = 8;

export interface ModelRuns {
  /** Clients of the same data. */
  readonly stores: readonly Store[];
  readonly runs: number;
  readonly seed: number;
  /** A fresh bucket's name for each run. */
  bucketName(): string;
}

/**
 * Runs random calls on a bucket and on a model, each run on a fresh bucket. A difference is shrunk to the shortest
 * sequence of calls that shows it, and printed with its seed.
 */
export async function runModel({ stores, runs, seed, bucketName }: ModelRuns): Promise<void> {
  const steps = modelSteps(stores.length);
  const property = fc.asyncProperty(steps, async (sequence) => {
    const name = bucketName();
    const clients = await Promise.all(stores.map((store): Promise<Bucket> => store.open(name)));
    await runSteps(clients, sequence);
  });
  const settled = await Promise.allSettled(
    Array.from({ length: lanes }, (_, lane) =>
      fc.assert(property, { seed: deriveSeed(seed, lane) | 0, numRuns: Math.ceil(runs / lanes) }),
    ),
  );
  for (const result of settled) if (result.status === "rejected") throw result.reason;
}
