// A worker that is terminated in the middle of its calls, then eight workers. Each of them opens a
// store on every target.
import assert from "node:assert/strict";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { openStore } from "./stores.mjs";

const targets = JSON.parse(process.env["MANYKV_TARGETS"]);
const value = (index) => new TextEncoder().encode(`worker ${index}`);
/** Nine workers that start at once are slow on a small machine. */
const patience = { timeout: 60_000 };
const keysOf = (index) => Array.from({ length: 100 }, (_, each) => `${index}-${each}`);

async function write(target, index) {
  const store = await openStore(target);
  const bucket = await store.open("workers");
  await bucket.setMany(
    keysOf(index).map((key) => [key, value(index)]),
    patience,
  );
  const found = await bucket.getMany(keysOf(index), patience);
  assert.ok(found.every((entry) => Buffer.from(entry[1]).equals(value(index))));
  await store.close();
}

async function writeForever(target) {
  const store = await openStore(target);
  const bucket = await store.open("workers");
  for (;;) {
    await bucket.setMany(
      keysOf("terminated").map((key) => [key, value(9)]),
      patience,
    );
    parentPort.postMessage("written");
  }
}

async function main() {
  for (const target of targets) {
    const store = await openStore(target);
    await store.provision();
    await store.close();
  }
  const endless = new Worker(new URL(import.meta.url), { workerData: "endless" });
  await new Promise((resolve) => endless.once("message", resolve));
  await endless.terminate();
  const workers = Array.from({ length: 8 }, (_, index) => new Worker(new URL(import.meta.url), { workerData: index }));
  const codes = workers.map((worker) => new Promise((resolve) => worker.once("exit", resolve)));
  assert.deepEqual(await Promise.all(codes), new Array(workers.length).fill(0));
  for (const target of targets) {
    const store = await openStore(target);
    const bucket = await store.open("workers");
    const found = await bucket.getMany(workers.flatMap((_, index) => keysOf(index)));
    assert.ok(found.every(Boolean));
    await store.close();
  }
  console.log("worked");
}

if (isMainThread) await main();
else if (workerData === "endless") await Promise.all(targets.map(writeForever));
else await Promise.all(targets.map((target) => write(target, workerData)));
