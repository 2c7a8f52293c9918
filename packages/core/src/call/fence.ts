import type { Fault } from "../driver.js";
import type { Call } from "./call.js";
import { Request } from "./request.js";

/** The longest that settling a lost request may take, in milliseconds. */
const longestFence = 5_000;
/** How far settling may exceed the call's deadline, in milliseconds. */
const overrun = 100;

/**
 * Ensures that lost requests can no longer take effect, if the driver can. A fence that fails changes nothing: its keys
 * stay `unknown` until a repeated write is acknowledged. Cancelling is prompt: a cancelled write stays `unknown`.
 */
export async function runFences(call: Call, faults: readonly (Fault | undefined)[]): Promise<void> {
  const fences = new Set(faults.map((fault) => fault?.fence));
  fences.delete(undefined);
  if (fences.size === 0 || call.cancelled) return;
  const due = performance.now() + Math.min(longestFence, Math.max(0, call.timeLeft) + overrun);
  const request = new Request(call.bucket, due, []);
  const running = Array.from(fences, async (fence) => fence?.(request));
  const result = await call.race(Promise.allSettled(running), due);
  if (typeof result === "string") request.abort();
}
