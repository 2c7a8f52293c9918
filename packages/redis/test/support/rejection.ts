import { inspect } from "node:util";
import { BatchError, StoreError } from "@manykv/core";
import { expect } from "vitest";

/** The error of a call that must fail with a `StoreError`. */
export async function rejection(call: Promise<unknown>): Promise<StoreError> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!StoreError.is(error)) throw new Error(`not a StoreError: ${inspect(error)}`);
  return error;
}

/** The error of a write that must fail. */
export async function batchRejection(call: Promise<unknown>): Promise<BatchError> {
  const error = await rejection(call);
  if (!BatchError.is(error)) throw new Error(`not a BatchError: ${inspect(error)}`);
  return error;
}

/** Looks for a secret wherever an error may show one. */
export function expectNoSecret(error: unknown, secret: string): void {
  const { message, stack, cause } = error as Error;
  const shown = [message, stack, inspect(cause), inspect(error, { depth: 10, showHidden: true })];
  for (const each of [...shown, JSON.stringify(error)]) expect(each).not.toContain(secret);
}
