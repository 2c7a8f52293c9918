/** The keys and values of one bucket. */
export class BucketData {
  readonly #values: Map<string, Uint8Array> = new Map();
  /**
   * The keys in sorted order. Created when a page is listed, and discarded when a key is added or more than half of
   * these keys are deleted. A program that deletes each page after listing it therefore causes few sorts.
   */
  #sorted: readonly string[] | undefined;

  get(key: string): Uint8Array | undefined {
    return this.#values.get(key);
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  set(key: string, value: Uint8Array): void {
    const { size } = this.#values;
    this.#values.set(key, value);
    if (this.#values.size !== size) this.#sorted = undefined;
  }

  delete(key: string): void {
    if (!this.#values.delete(key) || this.#sorted === undefined) return;
    if (this.#sorted.length > 2 * this.#values.size) this.#sorted = undefined;
  }

  /** Returns up to `count` keys after `last`, ordered by UTF-16 code units, and whether more keys follow. */
  page(last: string | undefined, count: number): { readonly keys: readonly string[]; readonly more: boolean } {
    this.#sorted ??= [...this.#values.keys()].sort(byUnits);
    const keys: string[] = [];
    const start = last === undefined ? 0 : firstAfter(this.#sorted, last);
    for (let index = start; index < this.#sorted.length; index++) {
      const key = this.#sorted[index] as string;
      if (!this.#values.has(key)) continue;
      if (keys.length === count) return { keys, more: true };
      keys.push(key);
    }
    return { keys, more: false };
  }
}

function byUnits(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Uses binary search to find the first key after `last`. Returns its index, or the length if there is no such key. */
function firstAfter(sorted: readonly string[], last: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as string) > last) high = middle;
    else low = middle + 1;
  }
  return low;
}
