import type { Outcome, StoreErrorCode } from "@manykv/core";

/** A record that was not written, or may not have been. */
export interface Failure {
  readonly record: number;
  readonly line: number;
  /** Absent where none could be read. */
  readonly key?: string | undefined;
  readonly outcome: Exclude<Outcome, "applied">;
  readonly code: StoreErrorCode;
  /** What is wrong with the record itself; absent where the store failed. */
  readonly refusal?: string | undefined;
}

/** How a transfer ended. Every record up to `last`, from the first one on, that is not among the failures was applied. */
export interface Totals {
  readonly applied: number;
  readonly "not-applied": number;
  readonly unknown: number;
  /** The last record whose outcome was told; later ones were not sent. Where none was told, the one before the first. */
  readonly last: number;
  /** Whether `last` is the input's last record. */
  readonly complete: boolean;
  /** The record to go on from when run again: the first that failed, else the one after `last`. Absent when all is done. */
  readonly next?: number | undefined;
  /** Bytes of keys and values that were sent. */
  readonly bytes: number;
}
