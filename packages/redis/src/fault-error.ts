import type { Fault } from "@manykv/core";

/** A whole request failed, in manykv's terms. Carries nothing of the client's error, which may hold secrets. */
export class FaultError extends Error {
  readonly fault: Fault;

  constructor(fault: Fault) {
    super(fault.reason ?? fault.code);
    this.fault = fault;
  }
}
