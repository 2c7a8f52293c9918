import type { DriverRequest } from "@manykv/core";

/** A page is given out when it has this many keys or more. */
const enoughKeys = 1_000;
/** Or when it took this long, in milliseconds: a bucket of few keys among many others gives empty pages. */
const enoughTime = 500;

/** What one `SCAN` gave. */
export interface Step {
  readonly keys: readonly string[];
  /** Whether the listing is over. */
  readonly done: boolean;
}

/** Joins what several steps give to one page, in half of the time that there is at most. */
export async function fillPage({ deadline }: DriverRequest, step: () => Promise<Step>): Promise<Step> {
  const now = performance.now();
  const end = now + Math.min(enoughTime, (deadline - now) / 2);
  const keys: string[] = [];
  for (;;) {
    const { keys: more, done } = await step();
    for (const key of more) keys.push(key);
    if (done || keys.length >= enoughKeys || performance.now() >= end) return { keys, done };
  }
}
