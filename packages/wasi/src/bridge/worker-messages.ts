import { StoreError, type StoreErrorCode } from "@manykv/core";
import type { CallName } from "../stores/calls.js";
import type { StoreSettings } from "../stores/store-table.js";
import type { Bridge } from "./blocking-caller.js";

/** What the worker that owns the stores receives when it starts. */
export interface WorkerSettings {
  readonly settings: StoreSettings;
  readonly bridge: Bridge;
  readonly timeout: number;
  readonly maxResultBytes: number;
}

/** Opens or closes all stores. */
export type WorkerCommand = "open" | "close";

export type WorkerMessage =
  | { readonly settled: WorkerCommand; readonly error?: DescribedError }
  | { readonly failed: { readonly identifier: string; readonly call: CallName; readonly error: DescribedError } };

/** An error in a message. A message would drop the code of an error. */
export interface DescribedError {
  readonly message: string;
  readonly code: StoreErrorCode;
  readonly reason: string | undefined;
}

export function describeError(error: unknown): DescribedError {
  if (StoreError.is(error)) return { message: error.message, code: error.code, reason: error.reason };
  const { message, code = "internal" } = error as { readonly message?: string; readonly code?: StoreErrorCode };
  return { message: message ?? String(error), code, reason: undefined };
}

export function toStoreError({ message, code, reason }: DescribedError): StoreError {
  return new StoreError(code, message, { reason });
}
