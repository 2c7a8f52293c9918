import assert from "node:assert/strict";
import { test } from "vitest";
import { createStore, StoreError, type StoreOptions } from "../src/index.js";
import { ScriptedDriver } from "./scripted-driver.js";

test.each([
  [null, /options are not an object/],
  ["text", /options are not an object/],
  [{ limits: null }, /`limits` is not an object/],
  [{ request: 5 }, /`request` is not an object/],
  [{ retry: null }, /`retry` is not an object/],
  [{ retry: true }, /`retry` is not an object/],
  [{ buckets: null }, /`buckets` is not a list/],
  [{ buckets: 5 }, /`buckets` is not a list/],
  [{ buckets: {} }, /`buckets` is not a list/],
  [{ buckets: "name" }, /`buckets` is not a list/],
])("%j is refused as options", (options, message) => {
  assert.throws(
    () => createStore(new ScriptedDriver(), options as unknown as StoreOptions),
    (error) => StoreError.is(error) && error.code === "invalid-argument" && message.test(error.message),
  );
});
