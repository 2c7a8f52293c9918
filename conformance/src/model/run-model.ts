import type { Bucket, Store } from "@manykv/core";
import { deriveSeed } from "../faults/random.js";
import { checkProperty } from "../support/check-property.js";
import { ListingBudget } from "./listing-budget.js";
import { runSteps } from "./run-steps.js";
import { describeStep, type ModelStep, modelSteps } from "./step.js";

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
  const check = async (sequence: readonly ModelStep[]): Promise<void> => {
    const name = bucketName();
    const clients = await Promise.all(stores.map((store): Promise<Bucket> => store.open(name)));
    try {
      await runSteps(clients, sequence, listings);
    } catch (error) {
      listings.lift();
      throw error;
    }
  };
  const describe = (sequence: readonly ModelStep[]): string[] => sequence.map(describeStep);
  const found = await Promise.all(
    Array.from({ length: lanes }, (_, lane) =>
      checkProperty(steps, check, describe, { seed: deriveSeed(seed, lane), runs: Math.ceil(runs / lanes) }),
    ),
  );
  const counterexample = found.find((each) => each !== undefined);
  if (counterexample === undefined) return;
  // Now that no other run is active, the last requests in the log are those of the counterexample.
  await counterexample.replay().catch(() => {});
  throw counterexample.error;
}
