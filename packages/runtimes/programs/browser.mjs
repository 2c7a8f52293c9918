// A page, or a worker of a page, with a memory store.
import { BatchError, openStore, StoreError } from "manykv";

const bytes = (text) => new TextEncoder().encode(text);
const text = (value) => value && new TextDecoder().decode(value);

function expectEqual(actual, expected) {
  const [found, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (found !== wanted) throw new Error(`${found} is not ${wanted}`);
}

async function walk() {
  const store = await openStore("memory:");
  await store.provision();
  const bucket = await store.open("page", { coalesce: true });
  await bucket.setMany(new Map(Array.from({ length: 10_000 }, (_, index) => [`${index}`, bytes(`value ${index}`)])));
  await Promise.all([bucket.set("a", bytes("1")), bucket.set("b", bytes("2"))]);
  const found = await bucket.getMany(["b", "missing", "9999"]);
  expectEqual(
    found.map((entry) => entry && text(entry[1])),
    ["2", undefined, "value 9999"],
  );
  let count = 0;
  for await (const _ of bucket.keys()) count++;
  expectEqual(count, 10_002);
  const error = await bucket.setMany([["\ud800", bytes("3")]]).catch((error) => error);
  expectEqual([BatchError.is(error), error.code, error.counts["not-applied"]], [true, "invalid-argument", 1]);
  const aborted = await bucket.get("a", { signal: AbortSignal.abort() }).catch((error) => error);
  expectEqual([StoreError.is(aborted), aborted.code], [true, "aborted"]);
  const missing = await openStore("redis://localhost").catch((error) => error);
  expectEqual([StoreError.is(missing), missing.code], [true, "invalid-argument"]);
  await bucket.deleteMany(["a", "b"]);
  expectEqual(await bucket.get("a"), undefined);
  await store.close();
  return "walked";
}

const result = walk().catch(String);
if (typeof document === "undefined") result.then((value) => postMessage(value));
else globalThis.result = result;
