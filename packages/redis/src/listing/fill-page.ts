/** A page is given out when it has this many keys or more. */
const enoughKeys = 1_000;
/** Or when it took this long, in milliseconds: a bucket of few keys among many others gives empty pages. */
const enoughTime = 100;

/** What one `SCAN` gave. */
export interface Step {
  readonly keys: readonly string[];
  /** Whether the listing is over. */
  readonly done: boolean;
}

/** Joins what several steps give to one page. */
export async function fillPage(step: () => Promise<Step>): Promise<Step> {
  const end = performance.now() + enoughTime;
  const keys: string[] = [];
  for (;;) {
    const { keys: more, done } = await step();
    for (const key of more) keys.push(key);
    if (done || keys.length >= enoughKeys || performance.now() >= end) return { keys, done };
  }
}
