import type { SetRequest } from "../driver.js";

/** What a driver is given. The signal is made only for a driver that asks for it: most answers come without. */
export class Request implements SetRequest {
  readonly bucket: string;
  readonly keys: readonly string[];
  readonly values: readonly Uint8Array[];
  readonly deadline: number;
  #controller: AbortController | undefined;
  readonly #listeners: Set<() => void> = new Set();
  #aborted = false;

  constructor(
    bucket: string,
    deadline: number,
    keys: readonly string[] = [],
    values: readonly Uint8Array[] = [],
  ) {
    this.bucket = bucket;
    this.deadline = deadline;
    this.keys = keys;
    this.values = values;
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
