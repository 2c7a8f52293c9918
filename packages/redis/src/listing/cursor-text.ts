import { StoreError } from "@manykv/core";

/** A cursor as it is given out: text that tells a reader nothing and survives being passed around. */
export function encodeCursor(bucket: string, state: object): string {
  return Buffer.from(JSON.stringify({ bucket, ...state })).toString("base64url");
}

/**
 * The state of a cursor; its fields may be anything.
 *
 * @throws {StoreError} `invalid-argument` for what {@link encodeCursor} did not make for this bucket
 */
export function decodeCursor(bucket: string, text: string): Record<string, unknown> {
  try {
    const state: unknown = JSON.parse(Buffer.from(text, "base64url").toString());
    if (isRecord(state)) {
      const { bucket: origin, ...fields } = state;
      if (origin === bucket) return fields;
    }
  } catch {
    // Not even JSON.
  }
  throw invalidCursor();
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function invalidCursor(): StoreError {
  return new StoreError("invalid-argument", "the cursor is not one that listKeys gave for this bucket");
}
