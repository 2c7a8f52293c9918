import { createRequest, type KeysRequest, type ListRequest, type SetRequest } from "@manykv/core/driver";

/** Creates a request for keys in the same way as core, for tests that call a driver directly. */
export function keysRequest(keys: readonly string[], bucket = "b", signal?: AbortSignal): KeysRequest {
  return createRequest({ bucket, keys, ...(signal && { signal }) });
}

export function setRequest(
  entries: readonly (readonly [key: string, value: Uint8Array])[],
  bucket = "b",
  signal?: AbortSignal,
): SetRequest {
  const keys = entries.map(([key]) => key);
  const values = entries.map(([, value]) => value);
  return createRequest({ bucket, keys, values, ...(signal && { signal }) });
}

export function listRequest(bucket: string, cursor?: string): ListRequest {
  return createRequest({ bucket, prefix: "", ...(cursor !== undefined && { cursor }) });
}

export function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}
