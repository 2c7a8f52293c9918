// A primary process with open stores forks four workers, as web servers do. Each worker opens its stores.
import assert from "node:assert/strict";
import cluster from "node:cluster";
import { openStore } from "./stores.mjs";

const targets = JSON.parse(process.env["MANYKV_TARGETS"]);
const stores = await Promise.all(targets.map(openStore));

if (cluster.isPrimary) {
  for (const store of stores) await store.provision();
  const codes = Array.from(
    { length: 4 },
    () => new Promise((resolve) => cluster.fork().once("exit", (code) => resolve(code))),
  );
  assert.deepEqual(await Promise.all(codes), [0, 0, 0, 0]);
}

for (const store of stores) {
  const bucket = await store.open("cluster");
  const keys = Array.from({ length: 50 }, (_, index) => `${process.pid}-${index}`);
  await bucket.setMany(keys.map((key) => [key, new TextEncoder().encode(key)]));
  const found = await bucket.getMany(keys);
  assert.ok(found.every((entry) => Buffer.from(entry[1]).toString() === entry[0]));
  await store.close();
}

if (cluster.isPrimary) console.log("worked");
else cluster.worker.disconnect();
