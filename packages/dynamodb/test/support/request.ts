import { createRequest, type SetRequest } from "@manykv/core/driver";

interface Parts {
  readonly bucket?: string;
  readonly keys?: readonly string[];
  readonly values?: readonly Uint8Array[];
  readonly cursor?: string;
  readonly signal?: AbortSignal;
}

/** Creates a request as core does, but without a deadline. */
export function request(parts: Parts = {}): SetRequest & { readonly cursor: string | undefined } {
  return createRequest({ bucket: "bucket", ...parts });
}
