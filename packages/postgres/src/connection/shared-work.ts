import { type DriverRequest, isAborted, onAbort } from "@manykv/core";
import { overdue } from "../error-table.js";
import { FaultError } from "../fault-error.js";

type Signalled = Pick<DriverRequest, "signal">;

/** Work that several requests wait for, each for its own time. It is given up when nobody waits for it any more. */
export class SharedWork {
  readonly #controller: AbortController = new AbortController();
  readonly #done: Promise<void>;
  #waiting = 0;

  constructor(work: (request: Signalled) => Promise<void>) {
    this.#done = work({ signal: this.#controller.signal });
  }

  /** Everybody has left, with its end or without: there is nothing to wait for. */
  get isOver(): boolean {
    return this.#controller.signal.aborted;
  }

  /**
   * Resolves or rejects with the work.
   *
   * @throws {FaultError} as soon as the request's own signal fires.
   */
  async wait(request: Signalled): Promise<void> {
    this.#waiting++;
    let off = (): void => {};
    const fired = new Promise<never>((_resolve, reject) => {
      const leave = (): void =>
        reject(new FaultError({ ...overdue, reason: "an earlier write is not settled yet" }));
      off = onAbort(request, leave);
      if (isAborted(request)) leave();
    });
    try {
      await Promise.race([this.#done, fired]);
    } finally {
      off();
      if (--this.#waiting === 0) this.#controller.abort();
    }
  }
}
