import { setTimeout as delay } from "node:timers/promises";

/** Calls `holds` until the result is true, with pauses of 20 ms. Rejects after 1,000 calls, at least 20 seconds. */
export async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  for (let tries = 0; tries < 1_000; tries++) {
    if (await holds()) return;
    await delay(20);
  }
  throw new Error("the condition did not become true within 20 seconds");
}
