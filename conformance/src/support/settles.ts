import assert from "node:assert/strict";

/** The result of a promise. */
export type Settled<Value> =
  | { readonly status: "fulfilled"; readonly value: Value }
  | { readonly status: "rejected"; readonly reason: unknown };

/** Waits for a promise to settle. Fails after `milliseconds`, which must be generous: it only detects hangs. */
export async function settles<Value>(
  promise: Promise<Value>,
  milliseconds: number,
  what = "the call",
): Promise<Settled<Value>> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<"late">((resolve) => {
    timer = setTimeout(resolve, milliseconds, "late");
  });
  try {
    const [settled] = await Promise.race([Promise.allSettled([promise]), late.then(() => [undefined])]);
    assert.ok(settled, `${what} has not settled after ${milliseconds} ms`);
    return settled;
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves after `milliseconds`. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
