import type { Bucket, Outcome, StoreOptions } from "@manykv/core";
import { BatchError } from "@manykv/core";
import { createRequest, type Driver } from "@manykv/core/driver";
import type { CaseContext } from "../case-context.js";
import type { FaultSchedule } from "../faults/call-fault.js";
import { faultDriver } from "../faults/fault-driver.js";
import { bytes } from "./bytes.js";
import { type Recording, recordRequests } from "./recording-driver.js";
import { settles } from "./settles.js";
import { assertTrue, type JudgedWrite, outcomesOfWrite, settable } from "./truth.js";

export type WriteKind = "set" | "delete";

export const writeKinds: readonly WriteKind[] = ["set", "delete"];

/** A write of the existing keys `k0`, `k1`, ... through a driver with faults. */
export interface FaultyWrite {
  readonly kind: WriteKind;
  readonly keys: number;
  readonly schedule: FaultSchedule;
  readonly store?: StoreOptions;
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}

export interface WriteResult {
  readonly outcomes: readonly Outcome[];
  /** The error that the write rejected with, or `undefined` if it resolved. */
  readonly error: BatchError | undefined;
  /** The requests that core sent. */
  readonly requests: Recording["requests"];
  /** The same bucket, opened with a client without faults. */
  readonly direct: Bucket;
}

/** Retry options with short delays, so that a case ends quickly. */
export const quickRetry = { attempts: 3, baseDelay: 1, maxDelay: 4 };

/** Time after the deadline of a write, in milliseconds. A write that settles later counts as hanging. */
const hangs = 8_000;

/** Makes a write through a driver with faults and asserts that every reported outcome is true. */
export async function faultyWrite(context: CaseContext, write: FaultyWrite): Promise<WriteResult> {
  const name = context.bucketName();
  const { requests, wrap } = recordRequests();
  const direct = await context.bucket({ name });
  const driver = await connected(context, name);
  // Uses the driver's own request limits even if the harness lowers them, because cases count requests.
  const options = { retry: quickRetry, requestLimits: {}, ...write.store };
  const faulty = await context.storeOf(wrap(faultDriver(driver, write.schedule)), options).open(name);
  const judged = judgedWrite(write.kind, write.keys);
  await direct.setMany(judged.before);
  const own = { timeout: write.timeout, signal: write.signal };
  const call =
    write.kind === "set"
      ? faulty.setMany(settable(judged.entries), own)
      : faulty.deleteMany(
          judged.entries.map(([key]) => key),
          own,
        );
  const time = Math.min(write.timeout ?? 10_000, 10_000) + hangs;
  const settled = await settles(outcomesOfWrite(call, write.keys), time, `a ${write.kind} of ${write.keys} keys`);
  if (settled.status === "rejected") throw settled.reason;
  const outcomes = settled.value;
  await assertTrue(direct, judged, outcomes);
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return { outcomes, error: BatchError.is(error) ? error : undefined, requests, direct };
}

/** Returns a driver that is already connected, so that connecting does not use up a short timeout of a write. */
async function connected(context: CaseContext, bucket: string): Promise<Driver> {
  const driver = await context.driver();
  await driver.get(createRequest({ bucket, keys: ["k0"] }));
  return driver;
}

export function judgedWrite(kind: WriteKind, keys: number): JudgedWrite {
  const names = Array.from({ length: keys }, (_, index) => `k${index}`);
  return {
    before: new Map(names.map((key) => [key, bytes(`old ${key}`)])),
    entries: names.map((key) => [key, kind === "set" ? bytes(`new ${key}`) : undefined]),
  };
}
