import { BatchError, StoreError } from "@manykv/core";

/**
 * Returns the result of a call as text that can be compared between backends. Converts bytes to Base64. Omits the
 * message of an error, because the message contains the name of the backend. Rejects if the call rejects with an error
 * that is not a `StoreError`.
 */
export async function answerOf(call: () => Promise<unknown>): Promise<string> {
  try {
    return JSON.stringify(plain(await call())) ?? "nothing";
  } catch (error) {
    if (!StoreError.is(error)) throw error;
    const { name, tag, code, retryable } = error;
    const failures = BatchError.is(error) ? { counts: error.counts, failures: [...error.failures()] } : {};
    return JSON.stringify({ rejected: { name, tag, code, retryable, ...failures } });
  }
}

function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return { [value.constructor.name]: Buffer.from(value).toString("base64") };
  if (Array.isArray(value)) return value.map((item) => (item === undefined ? "no value" : plain(item)));
  return value;
}
