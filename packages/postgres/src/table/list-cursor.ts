import { FaultError } from "../fault-error.js";

/** A cursor is the last key of the page before: whoever holds it was given that key too. */
export function sealCursor(key: string): string {
  return Buffer.from(key).toString("base64url");
}

/** @throws {FaultError} `invalid-argument` for anything but what {@link sealCursor} gave. */
export function openCursor(cursor: string, maxKeyBytes: number): Buffer {
  const key = Buffer.from(cursor, "base64url");
  if (key.length <= maxKeyBytes && sealCursor(key.toString()) === cursor) return key;
  throw new FaultError({
    code: "invalid-argument",
    retryable: false,
    effect: "none",
    reason: "not a cursor of this bucket",
  });
}
