import type { DriverRequest, KeysRequest, SetRequest } from "../driver.js";

const noValues: readonly Uint8Array[] = [];

/** What a driver receives. Creates its `AbortSignal` only for a driver that asks for it. */
export class Request implements SetRequest {
  readonly bucket: string;
  readonly keys: readonly string[];
  readonly values: readonly Uint8Array[];
  readonly prepared: unknown;
  /** For a listing. */
  readonly cursor: string | undefined;
  readonly deadline: number;
  #aborted = false;
  #listener: (() => void) | undefined;
  #moreListeners: Set<() => void> | undefined;
  #controller: AbortController | undefined;

  constructor(
    bucket: string,
    deadline: number,
    keys: readonly string[],
    values: readonly Uint8Array[] = noValues,
    prepared?: unknown,
    cursor?: string,
  ) {
    this.bucket = bucket;
    this.deadline = deadline;
    this.keys = keys;
    this.values = values;
    this.prepared = prepared;
    this.cursor = cursor;
  }

  get aborted(): boolean {
    return this.#aborted;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  /** Most requests have one listener, so the set for more is created late. */
  onAbort(listener: () => void): () => void {
    if (this.#listener === undefined) {
      this.#listener = listener;
      return () => {
        if (this.#listener === listener) this.#listener = undefined;
      };
    }
    this.#moreListeners ??= new Set();
    const more = this.#moreListeners.add(listener);
    return () => more.delete(listener);
  }

  abort(): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#controller?.abort();
    this.#listener?.();
    for (const listener of this.#moreListeners ?? []) listener();
  }
}

/** What {@link createRequest} puts into a request. */
export interface RequestParts {
  readonly bucket: string;
  readonly keys?: readonly string[];
  readonly values?: readonly Uint8Array[];
  readonly prepared?: unknown;
  readonly cursor?: string;
  /** Default: `Infinity`. */
  readonly deadline?: number;
  /** Aborts the request. */
  readonly signal?: AbortSignal;
}

/** Creates a request like core's, for tests of a driver and for drivers that wrap another. */
export function createRequest(parts: RequestParts): SetRequest & { readonly cursor: string | undefined } {
  const { bucket, keys = [], values, prepared, cursor, deadline = Number.POSITIVE_INFINITY, signal } = parts;
  const request = new Request(bucket, deadline, keys, values, prepared, cursor);
  if (signal?.aborted) request.abort();
  else signal?.addEventListener("abort", () => request.abort(), { once: true });
  return request;
}

/**
 * Returns the same request for some of its keys and values, by index. It is aborted together with `request`. For drivers
 * that wrap another.
 */
export function pickKeys(request: KeysRequest & Partial<SetRequest>, indexes: readonly number[]): SetRequest {
  const { bucket, deadline, keys, values } = request;
  const picked = new Request(
    bucket,
    deadline,
    indexes.map((index) => keys[index] as string),
    values?.length ? indexes.map((index) => values[index] as Uint8Array) : undefined,
  );
  abortTogether(request, picked);
  return picked;
}

function abortTogether(request: DriverRequest, follower: Request): void {
  if (request.aborted) follower.abort();
  else request.onAbort(() => follower.abort());
}
