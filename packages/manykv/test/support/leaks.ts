import { inspect } from "node:util";
import { StoreError } from "@manykv/core";
import { expect } from "vitest";

/** Returns the StoreError that a promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<StoreError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!StoreError.is(error)) throw new Error("The promise did not reject with a StoreError", { cause: error });
  return error;
}

/** Returns all text that a log could contain for an error. */
function shownOf(error: Error): string {
  return [
    error.message,
    error.stack,
    inspect(error, { depth: Number.POSITIVE_INFINITY, showHidden: true }),
    JSON.stringify(error),
    inspect(error.cause, { depth: Number.POSITIVE_INFINITY, showHidden: true }),
  ].join("\n");
}

export function expectNoLeak(error: Error, ...secrets: string[]): void {
  for (const secret of secrets) expect(shownOf(error)).not.toContain(secret);
}
