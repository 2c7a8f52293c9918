import { createStore } from "@manykv/core";
import { expect, test } from "vitest";
import { operations } from "../src/table/operations.js";
import { referenceDriver } from "./reference-driver.js";

test("every method of a bucket and a store has a column in the table", async () => {
  const store = createStore(referenceDriver(new Map()));
  const bucket = await store.open("bucket");
  const columns = new Set(operations.map(({ method }) => String(method)));
  // `open` sends nothing, and the promise about closed stores covers `close`.
  const others = new Set(["constructor", "open", "close"]);
  for (const object of [bucket, store])
    for (const name of methodsOf(object)) if (!others.has(name)) expect(columns, name).toContain(name);
});

function methodsOf(object: object): string[] {
  const prototype: object = Object.getPrototypeOf(object);
  const own = Object.getOwnPropertyDescriptors(prototype);
  return Object.keys(own).filter((name) => typeof own[name]?.value === "function" && isPublic(name));
}

/** Core's buckets have protected methods for buckets that coalesce calls. */
function isPublic(name: string): boolean {
  return !["call", "kindOfSet"].includes(name);
}
