const key: unique symbol = Symbol("storeAccess");

/** Starts a call that is let in though the store may be closing by then. */
export type Admit = <Result>(start: () => Promise<Result>) => Promise<Result>;

/** What a bucket's store offers to what is built on the bucket, beyond the interface. */
export interface StoreAccess {
  /** The `timeout` of a call that names none, in milliseconds. */
  readonly defaultTimeout: number;
  /** Calls `listener` when the store is about to close, until the function that it gives is called. */
  beforeClose(listener: () => void): () => void;
  /** Runs what takes several calls for one: the store waits for its end before it closes. */
  compound<Result>(body: (admit: Admit) => Promise<Result>): Promise<Result>;
}

export function announceAccess(bucket: object, access: StoreAccess): void {
  Object.defineProperty(bucket, key, { value: access });
}

/** `undefined` where the bucket is not core's own. */
export function accessOf(bucket: object): StoreAccess | undefined {
  return (bucket as { readonly [key]?: StoreAccess })[key];
}

/** Runs what takes several calls of a bucket for one. */
export function compound<Result>(bucket: object, body: (admit: Admit) => Promise<Result>): Promise<Result> {
  return accessOf(bucket)?.compound(body) ?? body((start) => start());
}
