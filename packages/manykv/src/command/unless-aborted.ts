import { addAbortListener } from "node:events";

/** Settles like the promise, but rejects as soon as the signal is aborted. */
export async function unlessAborted<Value>(signal: AbortSignal, promise: Promise<Value>): Promise<Value> {
  let reject = (_: unknown): void => {};
  const aborted = new Promise<never>((_, rejectAborted) => {
    reject = rejectAborted;
  });
  using _ = addAbortListener(signal, () => reject(signal.reason));
  return await Promise.race([promise, aborted]);
}
