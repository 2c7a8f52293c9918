const key: unique symbol = Symbol("beforeClose");

/** Takes a listener, and gives the function that takes it off again. */
type Subscribe = (listener: () => void) => () => void;

/** Lets what is built on a bucket know when its store is about to close, without making that a part of the interface. */
export function announceClose(bucket: object, subscribe: Subscribe): void {
  Object.defineProperty(bucket, key, { value: subscribe });
}

/**
 * Calls `listener` when the bucket's store is about to close, until the function that it gives is called. Nothing where
 * the bucket is not core's own.
 */
export function beforeClose(bucket: object, listener: () => void): (() => void) | undefined {
  return (bucket as { readonly [key]?: Subscribe })[key]?.(listener);
}
