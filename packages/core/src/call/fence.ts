import type { Fault } from "../driver.js";
import type { Call } from "./call.js";
import { Request } from "./request.js";
import type { Waiter } from "./waiting.js";

type Fence = NonNullable<Fault["fence"]>;

/** The longest that settling a lost request may take, in milliseconds. */
const longestFence = 5_000;
/** How far settling may exceed the call's deadline, in milliseconds. */
const overrun = 100;

/**
 * Ensures that lost requests can no longer take effect, if the driver can. A fence that fails changes nothing: its keys
 * stay `unknown` until a repeated write is acknowledged.
 */
export async function runFences(call: Call, faults: readonly (Fault | undefined)[]): Promise<void> {
  const fences = new Set<Fence>();
  for (const fault of faults) if (fault?.fence !== undefined) fences.add(fault.fence);
  // Cancelling is prompt: a cancelled write is reported as unknown and may still be applied.
  if (fences.size === 0 || call.cancelled) return;
  await Promise.all(Array.from(fences, (fence) => runFence(call, fence)));
}

function runFence(call: Call, fence: Fence): Promise<void> {
  const due = performance.now() + Math.min(longestFence, Math.max(0, call.timeLeft) + overrun);
  const request = new Request(call.bucket, due, []);
  return new Promise((resolve) => {
    const done = (): void => {
      call.unwatch(waiter);
      resolve();
    };
    const waiter: Waiter = {
      due,
      interrupt: () => {
        request.abort();
        done();
      },
    };
    call.watch(waiter);
    new Promise<void>((settled) => settled(fence(request))).then(done, done);
  });
}
