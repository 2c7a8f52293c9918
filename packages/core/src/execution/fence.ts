import type { Fault } from "../driver.js";
import type { Call } from "./call.js";
import { Request } from "./request.js";

/** The longest that settling a lost request may take, in milliseconds. */
const longestFence = 5_000;
/** What settling may take past the call's deadline, in milliseconds. */
const overrun = 100;

/**
 * Makes sure that lost requests cannot take effect any more, where the driver can. A fence that fails changes nothing:
 * its keys stay `unknown` until a repeated write is acknowledged.
 */
export async function runFences(faults: Iterable<Fault>, call: Call): Promise<void> {
  const fences = new Set<NonNullable<Fault["fence"]>>();
  for (const fault of faults) if (fault.fence !== undefined) fences.add(fault.fence);
  // Cancelling is prompt: what was cancelled is reported as unknown, and may yet land.
  if (fences.size === 0 || call.cancelled) return;
  await Promise.all(Array.from(fences, (fence) => runFence(fence, call)));
}

function runFence(fence: NonNullable<Fault["fence"]>, call: Call): Promise<void> {
  const time = Math.min(longestFence, Math.max(0, call.left) + overrun);
  const request = new Request(call.bucket, performance.now() + time);
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      off();
      resolve();
    };
    const giveUp = (): void => {
      request.abort();
      done();
    };
    const timer = setTimeout(giveUp, time);
    const off = call.onInterrupt(giveUp);
    new Promise<void>((settled) => settled(fence(request))).then(done, done);
  });
}
