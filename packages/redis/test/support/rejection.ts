import { inspect } from "node:util";
import { BatchError, StoreError } from "@manykv/core";
import { expect } from "vitest";

/** Returns the error of a call that must fail with a `StoreError`. */
export async function rejection(call: Promise<unknown>): Promise<StoreError> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!StoreError.is(error))
    throw new Error(`the call must reject with a StoreError, but the result is: ${inspect(error)}`);
  return error;
}

/** Returns the error of a write that must fail with a `BatchError`. */
export async function batchRejection(call: Promise<unknown>): Promise<BatchError> {
  const error = await rejection(call);
  if (!BatchError.is(error))
    throw new Error(`the write must reject with a BatchError, but rejected with: ${inspect(error)}`);
  return error;
}

/** Checks that no part of an error contains a secret. */
export function expectNoSecret(error: unknown, secret: string): void {
  const { message, stack, cause } = error as Error;
  const shown = [message, stack, inspect(cause), inspect(error, { depth: 10, showHidden: true })];
  for (const each of [...shown, JSON.stringify(error)]) expect(each).not.toContain(secret);
}
