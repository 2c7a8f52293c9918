import { StoreError } from "@manykv/core";

/** How far a `SCAN` has come. */
export interface ScanPosition {
  /** The run id of the process that returned the cursor; `undefined` if it does not report one. */
  readonly process: string | undefined;
  readonly cursor: string;
}

/** Encodes the state of a listing as text that callers can pass around but are not meant to read. */
export function encodeCursor(bucket: string, state: object): string {
  return Buffer.from(JSON.stringify({ bucket, ...state })).toString("base64url");
}

/**
 * Decodes a cursor. Its fields may have any type.
 *
 * @throws {StoreError} `invalid-argument` if {@link encodeCursor} did not return the text for this bucket
 */
export function decodeCursor(bucket: string, text: string): Record<string, unknown> {
  try {
    const state: unknown = JSON.parse(Buffer.from(text, "base64url").toString());
    if (isRecord(state)) {
      const { bucket: origin, ...fields } = state;
      if (origin === bucket) return fields;
    }
  } catch {
    // The text is not JSON.
  }
  throw invalidCursor();
}

/** Reads a cursor of `SCAN`: an unsigned 64-bit number in decimal. */
export function parseScanCursor(value: unknown): string {
  if (typeof value === "string" && /^\d{1,20}$/.test(value)) return value;
  throw invalidCursor();
}

/** Reads the id of a process or a node. */
export function parseId(value: unknown): string | undefined {
  if (value === undefined || (typeof value === "string" && /^\w{1,64}$/.test(value))) return value;
  throw invalidCursor();
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function invalidCursor(): StoreError {
  return new StoreError(
    "invalid-argument",
    "the cursor is invalid: pass a cursor that listKeys returned for this bucket",
  );
}
