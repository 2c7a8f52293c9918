/**
 * Limits the time that the runs of a model spend in listings. Some engines search all keys of a server for each listing,
 * which takes long on a large shared server. When the time is spent, the runs go on without listings.
 */
export class ListingBudget {
  #left: number;

  /** @param milliseconds - the sum of the times of all listings, even if they overlap */
  constructor(milliseconds: number) {
    this.#left = milliseconds;
  }

  get isSpent(): boolean {
    return this.#left <= 0;
  }

  /** Removes the limit, so that fast-check can repeat a run that failed. */
  lift(): void {
    this.#left = Infinity;
  }

  async spend<Result>(listing: Promise<Result>): Promise<Result> {
    const start = performance.now();
    try {
      return await listing;
    } finally {
      this.#left -= performance.now() - start;
    }
  }
}
