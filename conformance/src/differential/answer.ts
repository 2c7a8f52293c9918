import { BatchError, StoreError } from "@manykv/core";

/**
 * What a call ended with, in a form that two backends can be compared in: bytes as text, errors as what they tell a
 * program. Messages are left out, as they name the backend.
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
