import assert from "node:assert/strict";
import { createRequest, type DriverRequest, FaultError } from "@manykv/core/driver";
import { test } from "vitest";
import { SharedWork } from "../src/connection/lost-writes.js";

/** Creates work that ends when the test calls `end` or `fail`. `signal` is the signal that the work received. */
function sharedWork(): {
  work: SharedWork;
  signal: AbortSignal;
  end: () => void;
  fail: (error: Error) => void;
} {
  let signal: AbortSignal | undefined;
  let end = (): void => {};
  let fail = (_error: Error): void => {};
  const work = new SharedWork((request) => {
    signal = request.signal;
    return new Promise((resolve, reject) => {
      end = resolve;
      fail = reject;
    });
  });
  assert.ok(signal);
  return { work, signal, end, fail };
}

const requestOf = (signal: AbortSignal): DriverRequest => createRequest({ bucket: "b", signal });

const isOverdue = (error: unknown): boolean => error instanceof FaultError && error.fault.code === "timeout";

test("an aborted request stops waiting, and the work is aborted when no request waits", async () => {
  const { work, signal } = sharedWork();
  const [first, second] = [new AbortController(), new AbortController()];
  const [one, two] = [work.wait(requestOf(first.signal)), work.wait(requestOf(second.signal))];
  first.abort();
  await assert.rejects(one, isOverdue);
  assert.deepEqual([signal.aborted, work.isOver], [false, false]);
  second.abort();
  await assert.rejects(two, isOverdue);
  assert.deepEqual([signal.aborted, work.isOver], [true, true]);
});

test("a request that is already aborted does not wait", async () => {
  const { work } = sharedWork();
  await assert.rejects(work.wait(requestOf(AbortSignal.abort())), isOverdue);
});

test("all waiting requests share the result", async () => {
  const ending = sharedWork();
  const all = [
    ending.work.wait(requestOf(new AbortController().signal)),
    ending.work.wait(requestOf(new AbortController().signal)),
  ];
  ending.end();
  await Promise.all(all);
  assert.equal(ending.work.isOver, true);
  const failing = sharedWork();
  const both = [
    failing.work.wait(requestOf(new AbortController().signal)),
    failing.work.wait(requestOf(new AbortController().signal)),
  ];
  failing.fail(new Error("failed"));
  for (const { status } of await Promise.allSettled(both)) assert.equal(status, "rejected");
  assert.equal(failing.work.isOver, true);
});
