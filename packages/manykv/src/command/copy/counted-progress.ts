import { listFrom } from "../../transfer/read-values.js";
import type { NamedBucket } from "../store-pair.js";
import { Progress } from "../terminal.js";

/** The keys that are counted. */
export interface Counted {
  readonly listings: readonly {
    readonly open: () => Promise<NamedBucket>;
    /** The cursor at which the listing starts. */
    readonly start: string | undefined;
  }[];
  readonly prefix: string | undefined;
}

/**
 * Shows the progress of a copy or a comparison on a terminal. A store does not know how many keys it has, so a second listing
 * counts them in the background. Until it is complete, the display shows no remaining time.
 */
export class CountedProgress {
  readonly #action: string;
  readonly #noun: string;
  readonly #counting: AbortController = new AbortController();
  #progress: Progress;
  #position = 0;
  #count = 0;

  private constructor(action: string, noun: string, progress: Progress) {
    this.#action = action;
    this.#noun = noun;
    this.#progress = progress;
  }

  /** Starts the display. Without `counted`, it never shows a remaining time. */
  static async start(action: string, noun: string, counted: Counted | undefined): Promise<CountedProgress> {
    const progress = new CountedProgress(action, noun, await Progress.start(action, { noun }));
    if (counted !== undefined && process.stderr.isTTY) void progress.#countKeys(counted);
    return progress;
  }

  /** A display that shows nothing. */
  static readonly none: Pick<CountedProgress, "update" | "stop"> = { update: () => {}, stop: () => {} };

  /** `position` is the number of keys that were processed, and `count` the number to show. */
  update(position: number, count: number): void {
    this.#position = position;
    this.#count = count;
    this.#progress.update(count);
  }

  stop(): void {
    this.#counting.abort();
    this.#progress.stop();
  }

  async #countKeys(counted: Counted): Promise<void> {
    const { signal } = this.#counting;
    const total = await countAll(counted, signal).catch(() => undefined);
    // Without a total, the display continues as it is.
    if (total === undefined || signal.aborted) return;
    const position = (): number => Math.min(this.#position, total);
    const progress = await Progress.start(this.#action, {
      total,
      position,
      noun: this.#noun,
      startedAt: this.#progress.startedAt,
    });
    if (signal.aborted) return progress.stop();
    this.#progress.stop();
    this.#progress = progress;
    progress.update(this.#count);
  }
}

async function countAll({ listings, prefix }: Counted, signal: AbortSignal): Promise<number> {
  let total = 0;
  for (const { open, start } of listings) {
    for await (const { keys } of listFrom(start, await open(), prefix, { signal })) total += keys.length;
  }
  return total;
}
