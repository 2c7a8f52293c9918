import type { Bucket, Store } from "@manykv/core";
import fc from "fast-check";
import { deriveSeed } from "../faults/random.js";
import { ListingBudget } from "./listing-budget.js";
import { runSteps } from "./run-steps.js";
import { modelSteps } from "./step.js";

/**
 * Number of runs that are active at the same time, each on its own bucket. A run spends most of its time waiting for
 * the engine.
 */
const lanes = 8;

/** Time that all listings of a case may take together, in milliseconds. */
const listingTime = 300_000;

export interface ModelRuns {
  /** Stores that access the same data. */
  readonly stores: readonly Store[];
  readonly runs: number;
  readonly seed: number;
  /** Returns a new bucket name for each run. */
  bucketName(): string;
}

/**
 * Makes the same random calls on a bucket and on a model. Each run uses a new bucket. If the bucket and the model
 * differ, rejects with an error that contains a short sequence of calls that shows the difference.
 */
export async function runModel({ stores, runs, seed, bucketName }: ModelRuns): Promise<void> {
  const steps = modelSteps(stores.length);
  const listings = new ListingBudget(listingTime);
  const property = fc.asyncProperty(steps, async (sequence) => {
    const name = bucketName();
    const clients = await Promise.all(stores.map((store): Promise<Bucket> => store.open(name)));
    try {
      await runSteps(clients, sequence, listings);
    } catch (error) {
      listings.lift();
      throw error;
    }
  });
  const settled = await Promise.allSettled(
    Array.from({ length: lanes }, (_, lane) =>
      fc.assert(property, { seed: deriveSeed(seed, lane) | 0, numRuns: Math.ceil(runs / lanes) }),
    ),
  );
  for (const result of settled) if (result.status === "rejected") throw result.reason;
}
