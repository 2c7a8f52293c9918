import { setTimeout as sleep } from "node:timers/promises";

/** Tries `attempt` until it gives something other than undefined. Rejects after `timeout` ms with `what`. */
export async function settle<T>(
  what: string,
  timeout: number,
  attempt: () => Promise<T | undefined>,
): Promise<T> {
  const deadline = Date.now() + timeout;
  for (;;) {
    const result = await attempt();
    if (result !== undefined) return result;
    if (Date.now() > deadline) throw new Error(`${what} within ${timeout / 1000} s`);
    await sleep(20);
  }
}
