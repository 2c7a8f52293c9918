import type { SetRequest } from "../driver.js";

/** What a driver is given. The signal is made only for a driver that asks for it: most answers come without. */
export class Request implements SetRequest {
  readonly bucket: string;
  readonly keys: readonly string[];
  readonly values: readonly Uint8Array[];
  readonly deadline: number;
  #controller: AbortController | undefined;
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

  abort(): void {
    this.#aborted = true;
    this.#controller?.abort();
  }
}
