import assert from "node:assert/strict";
import { test } from "vitest";
import { Request } from "../src/call/request.js";
import {
  changeRequest,
  createRequest,
  type DriverRequest,
  FaultError,
  type KeysRequest,
  pickKeys,
  waitFor,
} from "../src/driver.js";

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

test("a changed request is aborted together with the original", () => {
  const request = createRequest({ bucket: "b", keys: ["a"], prefix: "p", deadline: 5 });
  const copy = changeRequest(changeRequest(request, { bucket: "c" }), { keys: ["d"] });
  assert.deepEqual([copy.bucket, copy.keys, copy.key, copy.prefix, copy.deadline], ["c", ["d"], "d", "p", 5]);
  assert.deepEqual([request.bucket, request.keys], ["b", ["a"]]);
  const told: string[] = [];
  copy.onAbort(() => told.push("copy"));
  copy.onAbort(() => told.push("removed"))();
  assert.equal(copy.aborted, false);
  request.abort();
  assert.deepEqual(told, ["copy"]);
  assert.equal(copy.aborted, true);
  assert.equal(copy.signal, request.signal);
  assert.equal(copy.signal.aborted, true);
});

test("a changed request is aborted together with a request that this copy of the package did not create", () => {
  let abort = (): void => {};
  const foreign: KeysRequest = {
    bucket: "b",
    keys: ["a"],
    deadline: Infinity,
    aborted: false,
    signal: new AbortController().signal,
    onAbort: (listener) => {
      abort = listener;
      return () => {};
    },
  };
  const copy = changeRequest(foreign, { keys: ["c"] });
  assert.deepEqual([copy.bucket, copy.keys, copy.aborted], ["b", ["c"], false]);
  abort();
  assert.equal(copy.aborted, true);
  const { bucket, keys, deadline, signal, onAbort } = foreign;
  assert.equal(changeRequest({ bucket, keys, deadline, signal, onAbort, aborted: true }, {}).aborted, true);
});

test("pickKeys keeps the values and times to live of the chosen keys", () => {
  const values = [1, 2, 3].map((byte) => Uint8Array.of(byte));
  const request = createRequest({ bucket: "b", keys: ["a", "b", "c"], values, ttls: [undefined, 5, undefined] });
  const both = pickKeys(request, [2, 1]);
  assert.deepEqual(
    [both.keys, both.values, both.ttls],
    [
      ["c", "b"],
      [values[2], values[1]],
      [undefined, 5],
    ],
  );
  assert.equal(pickKeys(request, [0, 2]).ttls, undefined);
  assert.deepEqual(pickKeys(createRequest({ bucket: "b", keys: ["a", "b"] }), [1]).keys, ["b"]);
});

test("a request that would not fit its values or its encoding is refused", () => {
  const values = [Uint8Array.of(1), Uint8Array.of(2)];
  const request = createRequest({ bucket: "b", keys: ["a", "b"], values });
  assert.throws(() => changeRequest(request, { keys: ["a"] }), /use pickKeys/);
  assert.throws(() => changeRequest(request, { ttls: [1] }), /use pickKeys/);
  const prepared = createRequest({ bucket: "b", keys: ["a"], prepared: "encoded" });
  assert.equal(changeRequest(prepared, {}).prepared, "encoded");
  for (const change of [{ bucket: "c" }, { keys: ["c"] }])
    assert.throws(() => changeRequest(prepared, change), /prepareSet has encoded this request/);
  assert.throws(() => pickKeys(prepared, [0]), /prepareSet has encoded this request/);
  assert.equal(changeRequest(prepared, { bucket: "c", values: [Uint8Array.of(1)] }).prepared, undefined);
});

test("a request that was spread says that it has lost its signal", async () => {
  const spread = { ...createRequest({ bucket: "b", keys: ["a"] }) };
  const request = spread as unknown as DriverRequest;
  assert.throws(() => request.onAbort(() => {}), /use changeRequest/);
  await assert.rejects(waitFor(request, Promise.resolve()), /use changeRequest/);
});
