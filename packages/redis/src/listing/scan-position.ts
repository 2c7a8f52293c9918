import { invalidCursor } from "./cursor-text.js";

/** How far a `SCAN` has come. */
export interface ScanPosition {
  /** The run id of the process that gave the cursor; `undefined` where it does not tell. */
  readonly process: string | undefined;
  readonly cursor: string;
}

/** Redis' cursors are unsigned numbers of 64 bits in decimal. */
export function parseScanCursor(value: unknown): string {
  if (typeof value === "string" && /^\d{1,20}$/.test(value)) return value;
  throw invalidCursor();
}

/** The id of a process or a node. */
export function parseWord(value: unknown): string | undefined {
  if (value === undefined || (typeof value === "string" && /^\w{1,64}$/.test(value))) return value;
  throw invalidCursor();
}
