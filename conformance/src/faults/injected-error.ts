import type { Fault } from "@manykv/core";

/** What a faulty driver throws; it classifies its own errors by the fault that they carry. */
export class InjectedError extends Error {
  readonly fault: Fault;

  constructor(fault: Fault) {
    super(`injected fault: ${fault.code}`);
    this.fault = fault;
  }
}
