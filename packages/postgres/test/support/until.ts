import { setTimeout as delay } from "node:timers/promises";

/** Waits until `holds` returns true. Throws after 20 seconds. */
export async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  for (let tries = 0; tries < 1_000; tries++) {
    if (await holds()) return;
    await delay(20);
  }
  throw new Error("the condition did not become true within 20 seconds");
}
