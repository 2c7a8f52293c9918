import { createRequest } from "@manykv/core/driver";

interface Parts {
  readonly bucket?: string;
  readonly keys?: readonly string[];
  readonly values?: readonly Uint8Array[];
  readonly ttls?: readonly (number | undefined)[];
  readonly delta?: bigint;
  readonly ttl?: number;
  readonly expected?: Uint8Array;
  readonly value?: Uint8Array;
  readonly prefix?: string;
  readonly cursor?: string;
  readonly signal?: AbortSignal;
}

/** Creates a request as core does, but without a deadline. */
export function request(parts: Parts = {}): ReturnType<typeof createRequest> {
  return createRequest({ bucket: "bucket", ...parts });
}
