import assert from "node:assert/strict";
import { pause } from "./settles.js";

/** Runs `body`, and fails where a rejection stayed unhandled meanwhile. */
export async function leavesNoneUnhandled(body: () => Promise<void>): Promise<void> {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => {
    unhandled.push(reason);
  };
  process.on("unhandledRejection", note);
  try {
    await body();
    // Node.js reports them after the microtasks of the turn in which they were rejected.
    await pause(20);
  } finally {
    process.off("unhandledRejection", note);
  }
  assert.deepEqual(unhandled, [], "rejections that nobody handled");
}
