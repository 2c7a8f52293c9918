import { now } from "../clock.js";
import type { Fault } from "../driver.js";
import { readBatch } from "../input/batch.js";
import type { Chunk } from "../input/chunk.js";
import { checkAbility } from "../options.js";
import { isTraced, traceFence } from "../tracing.js";
import { attempt, backoff, faultOf, type WriteKind } from "./attempt.js";
import type { Call } from "./call.js";
import { forEachChunk } from "./for-each-chunk.js";
import { Outcomes } from "./outcomes.js";
import { Request } from "./request.js";

/**
 * Reads the keys or entries of `input` and sends them in chunks. Returns the outcome of every entry. Entries with the same
 * key share the outcome of the last one, except with `setIfAbsent`: core sends the first one, and the others find its key.
 *
 * @param ttl - the time to live of entries without their own
 */
export async function write(call: Call, kind: WriteKind, input: unknown, ttl?: number): Promise<Outcomes> {
  const { driver, options } = call.core;
  const batch = readBatch(call, kind, input, ttl);
  if (batch.ttls !== undefined) checkAbility(driver, "ttl");
  const outcomes = new Outcomes(call, batch);
  await forEachChunk(call, batch, kind === "setIfAbsent" ? "first" : "last", writeChunk);
  if (kind === "setIfAbsent") outcomes.separateDuplicates();
  return outcomes;

  /**
   * Sends a chunk and records the outcomes. Settles lost requests. Repeats retryable keys until none is left, the call
   * stops, or `retry.attempts` attempts in a row make no progress. Stops the call if the last request fails as a whole.
   */
  async function writeChunk(whole: Chunk): Promise<void> {
    let chunk = whole;
    let last: Fault | undefined;
    let withoutProgress = 0;
    for (let number = 1; ; number++) {
      const { stop, fault: wholeFault, faults } = await attempt(call, kind, chunk, number, last);
      if (stop !== undefined) {
        if (stop !== last) for (const index of chunk.indexes) outcomes.record(index, stop);
        return call.stop(stop);
      }
      outcomes.enterGeneration(driver);
      const repeat: number[] = [];
      for (let index = 0; index < chunk.keys.length; index++) {
        const fault = faults?.[index];
        outcomes.record(chunk.indexes[index] as number, fault);
        if (fault?.retryable) repeat.push(index);
      }
      if (faults === undefined) return;

      const settled = await runFences(call, faults);
      faults.forEach((fault, index) => {
        if (fault?.effect !== "unknown" || settled.has(fault.fence)) return;
        outcomes.recordUnsettled(chunk.indexes[index] as number);
      });
      // A fault of the whole request also applies to the other chunks. Faults of single keys do not.
      withoutProgress = faults.includes(undefined) ? 0 : withoutProgress + 1;
      if (repeat.length === 0 || withoutProgress >= options.retry.attempts) return wholeFault && call.stop(wholeFault);
      last = faults[repeat[0] as number] as Fault;
      chunk = chunk.pick(repeat);
      await backoff(call, withoutProgress, last);
    }
  }
}

type Fence = NonNullable<Fault["fence"]>;

/** Maximum time for settling lost requests, in milliseconds. */
const longestFence = 5_000;
/** How long settling may continue after the deadline of the call, in milliseconds. */
const overrun = 100;

/**
 * Runs the fences of `faults`, so that lost requests can no longer take effect. Returns the fences that succeeded. Even
 * then, keys stay `unknown` until a repeated write is acknowledged. A cancelled call runs no fence, so that it settles
 * at once.
 */
export async function runFences(
  call: Call,
  faults: readonly (Fault | undefined)[],
): Promise<ReadonlySet<Fault["fence"]>> {
  const settled = new Set<Fault["fence"]>();
  /** The number of keys that each fence settles. */
  const fences = new Map<Fence, number>();
  for (const fault of faults) {
    if (fault?.fence !== undefined && fault.effect === "unknown")
      fences.set(fault.fence, (fences.get(fault.fence) ?? 0) + 1);
  }
  if (fences.size === 0 || call.cancelled) return settled;
  const { driver, fenceTracing } = call.core;
  const deadline = now() + Math.min(longestFence, Math.max(0, call.timeLeft) + overrun);
  const request = new Request({ bucket: call.bucket, deadline });

  /** Returns why a fence failed, or `undefined` if it succeeded. */
  async function settle(fence: Fence): Promise<Fault | undefined> {
    try {
      await fence(request);
      settled.add(fence);
      return undefined;
    } catch (error) {
      return faultOf(driver, error);
    }
  }

  async function run(fence: Fence): Promise<Fault | undefined> {
    const result = await call.race(settle(fence), deadline);
    if (typeof result !== "string") return result;
    request.abort();
    return { code: result, retryable: true, effect: "unknown" };
  }

  const running = Array.from(fences, ([fence, keys]) =>
    isTraced(fenceTracing) ? traceFence(call, keys, () => run(fence)) : run(fence),
  );
  await Promise.all(running);
  return settled;
}
