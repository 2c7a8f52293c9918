import type { ConnectionFault } from "./connection-fault.js";

/** A fault that waits for the connections it is to happen to. */
export class ArmedFault {
  readonly fault: ConnectionFault;
  #left: number;

  constructor(fault: ConnectionFault) {
    this.fault = fault;
    this.#left = fault.connections ?? 1;
  }

  /** Whether one more connection may have it; takes that place. */
  claim(): boolean {
    if (this.#left <= 0) return false;
    this.#left--;
    return true;
  }
}

/** Counts one direction of one connection, from when a fault was armed. */
export class Progress {
  #bytes = 0;
  #messages = 0;

  /** How many bytes of the next message still pass before `fault` begins; the message's length, where all do. */
  passing({ after = { bytes: 0 } }: ConnectionFault, length: number): number {
    const left = "bytes" in after ? after.bytes - this.#bytes : this.#messages < after.messages ? length : 0;
    this.#bytes += length;
    this.#messages++;
    return Math.max(0, Math.min(length, left));
  }
}
