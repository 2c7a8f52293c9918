import type { Driver, PreparedSet, SetRequest } from "../driver.js";
import type { Work } from "./work.js";
import type { WorkValues } from "./work-values.js";

/** What a driver is given. The signal is made only for a driver that asks for it: most answers come without. */
export class Request implements SetRequest {
  readonly bucket: string;
  readonly keys: readonly string[];
  readonly deadline: number;
  readonly #values: WorkValues | undefined;
  #controller: AbortController | undefined;
  readonly #listeners: Set<() => void> = new Set();
  #aborted = false;

  /** Without `work` it is about no key. */
  constructor(bucket: string, deadline: number, work?: Work) {
    this.bucket = bucket;
    this.deadline = deadline;
    this.keys = work?.keys ?? [];
    this.#values = work?.values;
  }

  get values(): readonly Uint8Array[] {
    return this.#values?.all ?? [];
  }

  get prepared(): PreparedSet | undefined {
    return this.#values?.prepared;
  }

  /** Has the driver put its values into the form in which they are sent, where it can. */
  prepare(driver: Driver): void {
    this.#values?.prepare(driver, this.bucket, this.keys);
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  get aborted(): boolean {
    return this.#aborted;
  }

  onAbort(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  abort(): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#controller?.abort();
    for (const listener of [...this.#listeners]) listener();
  }
}
