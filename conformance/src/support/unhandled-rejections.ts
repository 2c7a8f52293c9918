import assert from "node:assert/strict";
import { pause } from "./settles.js";

/** Runs `body` and fails if a promise rejection stays unhandled. */
export async function leavesNoneUnhandled(body: () => Promise<void>): Promise<void> {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => {
    unhandled.push(reason);
  };
  process.on("unhandledRejection", note);
  try {
    await body();
    // Node.js reports unhandled rejections only after it has processed the microtask queue.
    await pause(20);
  } finally {
    process.off("unhandledRejection", note);
  }
  assert.deepEqual(unhandled, [], "all promise rejections must be handled");
}
