import assert from "node:assert/strict";

/** How a promise settled. */
export type Settled<Value> =
  | { readonly status: "fulfilled"; readonly value: Value }
  | { readonly status: "rejected"; readonly reason: unknown };

/**
 * Waits for a promise to settle and returns how it settled. Fails after `milliseconds`. Pass a long time, because this
 * timeout must only detect calls that hang.
 */
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
    assert.ok(settled, `${what} must settle within ${milliseconds} ms`);
    return settled;
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves after `milliseconds`. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
