import assert from "node:assert/strict";
import { test } from "vitest";
import { Request } from "../src/call/attempt.js";
import { createRequest, FaultError, waitFor } from "../src/driver.js";

test("a request calls each listener once, unless the listener was removed", () => {
  const request = new Request({ bucket: "b" });
  const told: string[] = [];
  const removeFirst = request.onAbort(() => told.push("removed first"));
  request.onAbort(() => told.push("a"));
  const removeMiddle = request.onAbort(() => told.push("removed later"));
  request.onAbort(() => told.push("b"));
  removeFirst();
  removeMiddle();
  request.onAbort(() => told.push("c"));
  assert.equal(request.aborted, false);
  request.abort();
  request.abort();
  assert.deepEqual(told.sort(), ["a", "b", "c"]);
  assert.equal(request.aborted, true);
  assert.equal(request.signal.aborted, true);
});

test("aborting a request fires its signal and calls its listeners", () => {
  const request = new Request({ bucket: "b" });
  const told: string[] = [];
  request.signal.addEventListener("abort", () => told.push("signal"));
  request.onAbort(() => told.push("listener"));
  request.abort();
  assert.deepEqual(told.sort(), ["listener", "signal"]);
});

test("the signal that is passed to createRequest aborts the request", () => {
  const controller = new AbortController();
  const request = createRequest({ bucket: "b", keys: ["a"], signal: controller.signal });
  assert.deepEqual([request.bucket, request.keys, request.aborted], ["b", ["a"], false]);
  controller.abort();
  assert.equal(request.aborted, true);
  assert.equal(createRequest({ bucket: "b", signal: controller.signal }).aborted, true);
});

test("waitFor rejects when the request is aborted", async () => {
  const controller = new AbortController();
  const request = createRequest({ bucket: "b", signal: controller.signal });
  assert.equal(await waitFor(request, Promise.resolve(5)), 5);
  await assert.rejects(waitFor(request, Promise.reject(new RangeError("the operation failed"))), RangeError);
  const endless = waitFor(request, new Promise<never>(() => {}));
  controller.abort();
  for (const waiting of [endless, waitFor(request, new Promise<never>(() => {}))]) {
    await assert.rejects(waiting, (error) => FaultError.is(error) && error.fault.effect === "none");
  }
});
