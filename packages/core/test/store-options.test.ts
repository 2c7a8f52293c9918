import assert from "node:assert/strict";
import { test } from "vitest";
import { createStore, StoreError, type StoreOptions } from "../src/index.js";
import { ScriptedDriver } from "./scripted-driver.js";

test.each([
  [null, /options must be an object/],
  ["text", /options must be an object/],
  [{ limits: null }, /`limits` must be an object/],
  [{ requestLimits: 5 }, /`requestLimits` must be an object/],
  [{ retry: null }, /`retry` must be an object/],
  [{ retry: true }, /`retry` must be an object/],
  [{ buckets: null }, /`buckets` must be an iterable/],
  [{ buckets: 5 }, /`buckets` must be an iterable/],
  [{ buckets: {} }, /`buckets` must be an iterable/],
  [{ requets: 5 }, /unknown option `requets`/],
  [{ limits: { maxKeys: 5 } }, /unknown option `maxKeys` in `limits`/],
  [{ requestLimits: { maxValueBytes: 5 } }, /unknown option `maxValueBytes` in `requestLimits`/],
  [{ retry: { attemps: 5 } }, /unknown option `attemps` in `retry`/],
  [{ buckets: "name" }, /`buckets` must be an iterable/],
])("createStore rejects the options %j", (options, message) => {
  assert.throws(
    () => createStore(new ScriptedDriver(), options as unknown as StoreOptions),
    (error) => StoreError.is(error) && error.code === "invalid-argument" && message.test(error.message),
  );
});
