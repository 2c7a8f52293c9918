import type { Fault } from "@manykv/core";

/** A whole request failed, in manykv's terms. Carries nothing of pg's error, whose text may hold keys and passwords. */
export class FaultError extends Error {
  override readonly name: string = "FaultError";
  readonly fault: Fault;

  constructor(fault: Fault) {
    super(fault.reason ?? fault.code);
    this.fault = fault;
  }
}
