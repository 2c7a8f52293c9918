// Keys, values, options and signals that another realm (a vm context, such as a plug-in's) has created.
import assert from "node:assert/strict";
import { createContext, runInContext } from "node:vm";
import { openStore } from "./stores.mjs";

const context = createContext({ AbortController });
const foreign = (code) => runInContext(code, context);

for (const target of JSON.parse(process.env["MANYKV_TARGETS"])) {
  const store = await openStore(target);
  await store.provision();
  const bucket = await store.open("realms");
  await bucket.set("one", foreign("new Uint8Array([1])"), foreign("({ timeout: 9_000 })"));
  await bucket.setMany(foreign("new Map([['two', new Uint8Array([2])], ['three', new Uint8Array(300).fill(3)]])"));
  await bucket.setMany(
    foreign("(function* () { yield ['four', new Uint8Array(new ArrayBuffer(8), 4, 4).fill(4)]; })()"),
  );
  const found = await bucket.getMany(foreign("['one', 'two', 'three', 'four', 'five']"));
  assert.deepEqual(
    found.map((entry) => entry && [entry[1].length, entry[1][0]]),
    [[1, 1], [1, 2], [300, 3], [4, 4], undefined],
  );
  const aborted = foreign("(() => { const c = new AbortController(); c.abort(); return { signal: c.signal }; })()");
  await assert.rejects(bucket.get("one", aborted), { code: "aborted" });
  await assert.rejects(bucket.set("six", foreign("new Uint16Array([1])")), { code: "invalid-argument" });
  await bucket.deleteMany(foreign("new Set(['one', 'two', 'three', 'four'])"));
  await store.close();
}
console.log("worked");
