import { FaultError } from "@manykv/core/driver";

/** The position of a `SCAN` that is not complete. */
export interface ScanPosition {
  /** Identifies the server process that returned the cursor, as `Identity.process` does. */
  readonly process: string | undefined;
  readonly cursor: string;
}

/** How often a listing may start over. */
const mostRestarts = 16;

/**
 * Adds a restart to those of a listing and returns their number. A listing that alternates between two clients would
 * start over at every page if nothing shows that the server process is the same.
 *
 * @throws {FaultError} if the listing has started over too often
 */
export function countRestart(restarts: number): number {
  if (restarts < mostRestarts) return restarts + 1;
  throw new FaultError({ code: "unavailable", retryable: false, effect: "none", reason: restartsTooOften });
}

const restartsTooOften =
  "the listing started over too often: continue it with the same client, or permit INFO so that clients see the run id";

/** Encodes the state of a listing as an opaque cursor. */
export function encodeCursor(bucket: string, state: object): string {
  return Buffer.from(JSON.stringify({ bucket, ...state })).toString("base64url");
}

/**
 * Decodes a cursor. A caller may have forged it, so its fields may have any type.
 *
 * @throws {FaultError} `invalid-argument` if the text is malformed or belongs to another bucket
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

/** Returns a `SCAN` cursor: 1 to 20 decimal digits. Throws `invalid-argument` for any other value. */
export function parseScanCursor(value: unknown): string {
  if (typeof value === "string" && /^\d{1,20}$/.test(value)) return value;
  throw invalidCursor();
}

/** Returns a count. Throws `invalid-argument` for any other value. */
export function parseCount(value: unknown): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  throw invalidCursor();
}

/** Returns the id of a process or node, or `undefined` for `undefined`. Throws `invalid-argument` for other values. */
export function parseId(value: unknown): string | undefined {
  if (value === undefined || (typeof value === "string" && /^\w{1,64}$/.test(value))) return value;
  throw invalidCursor();
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function invalidCursor(): FaultError {
  return new FaultError({
    code: "invalid-argument",
    retryable: false,
    effect: "none",
    reason: "the cursor is invalid: pass a cursor that listKeys returned for this bucket",
  });
}
