import assert from "node:assert/strict";
import { test } from "vitest";
import { Request } from "../src/execution/request.js";
import { type DriverRequest, isAborted, onAbort } from "../src/index.js";

function plainRequest(): { request: DriverRequest; abort: () => void } {
  const controller = new AbortController();
  return {
    request: { signal: controller.signal, deadline: Number.POSITIVE_INFINITY },
    abort: () => controller.abort(),
  };
}

function ownRequest(): { request: DriverRequest; abort: () => void } {
  const request = new Request("b", Number.POSITIVE_INFINITY);
  return { request, abort: () => request.abort() };
}

test.each([
  ["core's own", ownRequest],
  ["any other", plainRequest],
])("a request, %s: listeners are told once, unless they left", (_, make) => {
  const { request, abort } = make();
  const told: string[] = [];
  onAbort(request, () => told.push("stays"));
  const off = onAbort(request, () => told.push("leaves"));
  off();
  assert.equal(isAborted(request), false);
  abort();
  abort();
  assert.deepEqual(told, ["stays"]);
  assert.equal(isAborted(request), true);
  assert.equal(request.signal.aborted, true);
});

test("a signal that was made before fires with the listeners", () => {
  const { request, abort } = ownRequest();
  const told: string[] = [];
  request.signal.addEventListener("abort", () => told.push("signal"));
  onAbort(request, () => told.push("listener"));
  abort();
  assert.deepEqual(told.sort(), ["listener", "signal"]);
});
