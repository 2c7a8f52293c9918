import type { KeysRequest, ListRequest, SetRequest } from "@manykv/core";

/** Requests as core makes them, for tests that call a driver directly. */
export function keysRequest(keys: readonly string[], bucket = "b", signal?: AbortSignal): KeysRequest {
  return { bucket, keys, deadline: Number.POSITIVE_INFINITY, signal: signal ?? new AbortController().signal };
}

export function setRequest(
  entries: readonly (readonly [key: string, value: Uint8Array])[],
  bucket = "b",
  signal?: AbortSignal,
): SetRequest {
  const keys = entries.map(([key]) => key);
  return { ...keysRequest(keys, bucket, signal), values: entries.map(([, value]) => value) };
}

export function listRequest(bucket: string, cursor?: string): ListRequest {
  const { signal, deadline } = keysRequest([], bucket);
  return cursor === undefined ? { bucket, signal, deadline } : { bucket, signal, deadline, cursor };
}

export function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}
