import type { DriverRequest, IncrementRequest, KeysRequest, ListRequest, SetRequest, SwapRequest } from "../driver.js";

/** The fields of a request, for {@link createRequest}. */
export interface RequestParts {
  readonly bucket: string;
  readonly keys?: readonly string[] | undefined;
  readonly values?: readonly Uint8Array[] | undefined;
  readonly ttls?: readonly (number | undefined)[] | undefined;
  readonly prepared?: unknown;
  readonly prefix?: string | undefined;
  readonly cursor?: string | undefined;
  readonly delta?: bigint | undefined;
  readonly ttl?: number | undefined;
  readonly expected?: Uint8Array | undefined;
  readonly value?: Uint8Array | undefined;
  readonly deadline?: number | undefined;
}

/** The fields of a request that do not come from a batch. */
export type RequestDetails = Pick<RequestParts, "prefix" | "cursor" | "delta" | "ttl" | "expected" | "value">;

/** The fields that {@link changeRequest} can replace. */
export type RequestChanges = Partial<Omit<RequestParts, "deadline">>;

/**
 * The request that a driver receives. Creates its `AbortSignal` on first use: creating one takes about 7 µs. All requests
 * have the same fields, because V8 makes code slower that handles objects of several shapes.
 */
export class Request implements SetRequest, ListRequest, IncrementRequest, SwapRequest {
  readonly bucket: string;
  readonly keys: readonly string[];
  readonly values: readonly Uint8Array[];
  readonly ttls: readonly (number | undefined)[] | undefined;
  readonly prepared: unknown;
  readonly prefix: string;
  readonly cursor: string | undefined;
  readonly key: string;
  readonly delta: bigint;
  readonly ttl: number | undefined;
  readonly expected: Uint8Array | undefined;
  readonly value: Uint8Array | undefined;
  readonly deadline: number;
  /** A field: in an object made by spreading a request, this function says what is wrong. */
  readonly onAbort: (listener: () => void) => () => void = onAbort;
  /** The request that this one was made from. It knows whether both are aborted. */
  readonly #origin: Request;
  #aborted = false;
  /** Created on first use, because most requests of a fast engine end without a listener. */
  #listeners: Set<() => void> | undefined;
  #controller: AbortController | undefined;

  constructor(parts: RequestParts, details: RequestDetails = parts, origin?: Request) {
    this.bucket = parts.bucket;
    this.keys = parts.keys ?? [];
    this.values = parts.values ?? [];
    this.ttls = parts.ttls;
    this.prepared = parts.prepared;
    this.prefix = details.prefix ?? "";
    this.cursor = details.cursor;
    this.key = this.keys[0] ?? "";
    this.delta = details.delta ?? 0n;
    this.ttl = details.ttl;
    this.expected = details.expected;
    this.value = details.value;
    this.deadline = parts.deadline ?? Infinity;
    this.#origin = origin === undefined ? this : origin.#origin;
  }

  get aborted(): boolean {
    return this.#origin.#aborted;
  }

  get signal(): AbortSignal {
    const origin = this.#origin;
    origin.#controller ??= new AbortController();
    if (origin.#aborted) origin.#controller.abort();
    return origin.#controller.signal;
  }

  abort(): void {
    const origin = this.#origin;
    if (origin.#aborted) return;
    origin.#aborted = true;
    origin.#controller?.abort();
    for (const listener of [...(origin.#listeners ?? [])]) listener();
  }

  /** Returns whether this copy of the package created `request`. */
  static created(request: object): request is Request {
    return #origin in request;
  }

  listen(listener: () => void): () => void {
    const origin = this.#origin;
    origin.#listeners ??= new Set();
    const listeners = origin.#listeners;
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }
}

function onAbort(this: Request, listener: () => void): () => void {
  if (Request.created(this)) return this.listen(listener);
  throw new TypeError(spread);
}

const spread = "an object spread loses the signal of a request: use changeRequest of @manykv/core/driver";

/** Creates a request for tests or background work of drivers. `signal` aborts the request. */
export function createRequest(parts: RequestParts & { readonly signal?: AbortSignal | undefined }): Request {
  const request = new Request(parts);
  if (parts.signal?.aborted) request.abort();
  parts.signal?.addEventListener("abort", () => request.abort(), { once: true });
  return request;
}

/**
 * Returns a copy of a request with some fields replaced, for a driver that wraps another one or sends a request as one of
 * another kind. The copy is aborted together with the original. Do not spread a request: `{ ...request }` has no signal.
 *
 * @throws {TypeError} if the copy has a number of values or times to live that differs from its number of keys, or if
 * `prepareSet` has encoded the bucket or keys that `changes` replaces.
 */
export function changeRequest<Kind extends DriverRequest>(request: Kind, changes: RequestChanges): Kind & SetRequest {
  const {
    bucket = "",
    keys = [],
    values,
    ttls,
    prefix,
    cursor,
    delta,
    ttl,
    expected,
    value,
    prepared,
    deadline,
  } = request as DriverRequest & Partial<RequestParts>;
  const fields = { bucket, keys, values, ttls, prefix, cursor, delta, ttl, expected, value };
  const parts = { ...fields, ...(changes.values === undefined && { prepared }), ...changes, deadline };
  if (prepared !== undefined && parts.prepared === prepared && (changes.bucket ?? changes.keys) !== undefined)
    throw new TypeError(encoded);
  for (const list of [parts.values, parts.ttls])
    if (list !== undefined && list.length > 0 && list.length !== parts.keys?.length) throw new TypeError(unequal);
  const isOwn = Request.created(request);
  const copy = new Request(parts, parts, isOwn ? request : undefined);
  if (!isOwn) {
    if (request.aborted) copy.abort();
    request.onAbort(() => copy.abort());
  }
  return copy as DriverRequest as Kind & SetRequest;
}

const encoded = "prepareSet has encoded this request: a driver that changes requests must not have this method";
const unequal = "a request needs one value and one ttl for each key: use pickKeys to leave out keys";

/** Returns a copy of a request that contains only the keys at `indexes`, with their values and times to live. */
export function pickKeys<Kind extends KeysRequest>(request: Kind, indexes: readonly number[]): Kind & SetRequest {
  const { keys, values = [], ttls } = request as Kind & Partial<SetRequest>;
  const picked = ttls && indexes.map((index) => ttls[index]);
  return changeRequest(request, {
    keys: indexes.map((index) => keys[index] as string),
    ...(values.length > 0 && { values: indexes.map((index) => values[index] as Uint8Array) }),
    ttls: picked?.some((ttl) => ttl !== undefined) ? picked : undefined,
  });
}
