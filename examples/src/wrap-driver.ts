import { deflateRawSync, inflateRawSync } from "node:zlib";
import { createStore } from "@manykv/core";
// #region wrap
import { changeRequest, type Driver } from "@manykv/core/driver";
import { memoryDriver } from "@manykv/memory";

/** Returns a driver that stores compressed values. */
function compressed(inner: Driver): Driver {
  return {
    name: inner.name,
    limits: inner.limits,
    async get(request) {
      const answer = await inner.get(request);
      return { ...answer, values: answer.values.map((value) => value && new Uint8Array(inflateRawSync(value))) };
    },
    set: (request) =>
      inner.set(changeRequest(request, { values: request.values.map((value) => deflateRawSync(value)) })),
    delete: (request) => inner.delete(request),
    list: (request) => inner.list(request),
    close: () => inner.close(),
    classify: (error) => inner.classify(error),
  };
}
// #endregion wrap

const store = createStore(compressed(memoryDriver()));
const texts = await store.open("texts");
await texts.set("long", Buffer.from("abc".repeat(10_000)));
console.log((await texts.get("long"))?.length);
await store.close();
