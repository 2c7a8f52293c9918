import { setTimeout as sleep } from "node:timers/promises";

/** Calls `attempt` with pauses of 20 ms until its result is not undefined. Rejects after `timeout` ms. */
export async function waitUntil<T>(
  message: string,
  timeout: number,
  attempt: () => Promise<T | undefined>,
): Promise<T> {
  const deadline = Date.now() + timeout;
  for (;;) {
    const result = await attempt();
    if (result !== undefined) return result;
    if (Date.now() > deadline) throw new Error(`${message} within ${timeout / 1000} s`);
    await sleep(20);
  }
}

const maxStarts = 10;

/** Calls `start` until it succeeds, for at most 10 attempts. Rejects immediately if the error is not transient. */
export async function retryStart<T>(
  start: () => Promise<T>,
  isTransient: (error: unknown) => boolean | Promise<boolean>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start();
    } catch (error) {
      if (attempt === maxStarts || !(await isTransient(error))) throw error;
    }
  }
}
