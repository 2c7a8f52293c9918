import { BatchError, StoreError } from "@manykv/core";

/**
 * Returns the result of a call as text that can be compared between backends. Converts bytes to Base64. Omits the
 * message and the reasons of an error, because they depend on the backend. Rejects if the call rejects with an error
 * that is not a `StoreError`.
 */
export async function answerOf(call: () => Promise<unknown>): Promise<string> {
  try {
    return JSON.stringify(plain(await call())) ?? "nothing";
  } catch (error) {
    if (!StoreError.is(error)) throw error;
    const { name, tag, code, retryable } = error;
    const failures = BatchError.is(error) ? { counts: error.counts, failures: failuresOf(error) } : {};
    return JSON.stringify({ rejected: { name, tag, code, retryable, ...failures } });
  }
}

function failuresOf(error: BatchError): unknown {
  return Array.from(error.failures(), ({ reason: _, ...failure }) => failure);
}

function plain(value: unknown): unknown {
  if (typeof value === "bigint") return `${value}n`;
  if (value instanceof Uint8Array) return { [value.constructor.name]: Buffer.from(value).toString("base64") };
  if (value instanceof Map) return { Map: plain([...value]) };
  if (Array.isArray(value)) return value.map((item) => (item === undefined ? "no value" : plain(item)));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plain(item)]));
}
