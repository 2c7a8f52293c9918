import { createRequest, type DriverRequest, waitFor } from "@manykv/core/driver";

/** Work that several requests wait for, each for its own time. It is aborted when none of them waits anymore. */
export class SharedWork {
  readonly #controller: AbortController = new AbortController();
  readonly #done: Promise<void>;
  #waiting = 0;

  constructor(work: (request: DriverRequest) => Promise<void>) {
    this.#done = work(createRequest({ bucket: "", signal: this.#controller.signal }));
  }

  /** Whether every request that waited has stopped waiting. A later one must start the work anew. */
  get isOver(): boolean {
    return this.#controller.signal.aborted;
  }

  /**
   * Resolves or rejects like the work.
   *
   * @throws {FaultError} `timeout` as soon as the request is aborted.
   */
  async wait(request: DriverRequest): Promise<void> {
    this.#waiting++;
    try {
      await waitFor(request, this.#done);
    } finally {
      if (--this.#waiting === 0) this.#controller.abort();
    }
  }
}
