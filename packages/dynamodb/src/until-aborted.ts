/** The promise's end, or `onAbort`'s error as soon as the signal fires; the promise then ends unheard. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal, onAbort: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(onAbort());
    const off = (): void => signal.removeEventListener("abort", abort);
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(off);
    if (signal.aborted) abort();
  });
}
