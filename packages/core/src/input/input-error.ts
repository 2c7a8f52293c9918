import { StoreError, type StoreErrorCode } from "../store-error.js";

/** A refused argument: nothing was sent. */
export class InputError extends StoreError {
  /** How many entries the input had, where it was a batch. */
  readonly entries: number;

  constructor(code: StoreErrorCode, message: string, entries = 0) {
    super(code, message);
    this.entries = entries;
  }
}

/** Why a key or value is refused: code and the rest of a sentence that begins with its place. */
export interface Refusal {
  readonly code: "invalid-argument" | "too-large";
  readonly text: string;
}
