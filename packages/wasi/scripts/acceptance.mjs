// Measures what docs and README promise: `node packages/wasi/scripts/acceptance.mjs [calls]`, after a build.
//
// 1. How long a call takes: to a host that does nothing, through the worker or JSPI to a store in memory, and to `memory:`
//    without a worker.
// 2. Many calls from 16 instances with answers of random sizes: wrong answers, and memory over time. Without JSPI, each
//    instance has its own thread.
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { buildForwarder } from "@manykv/wasi-guests";
import { loadComponent } from "../dist/component.js";
import { keyvalue } from "../dist/index.js";

const calls = Number(process.argv[2] ?? 1_000_000);
const cache = await mkdtemp(join(tmpdir(), "manykv-wasi-"));
const bytes = await buildForwarder("draft2");
const component = await loadComponent(bytes, { cache });
const isSync = component.mode === "sync";
const module = new URL("../test/support/memory-store.mjs", import.meta.url).href;
console.log(`Node.js ${process.version}, mode ${component.mode}`);

/** Makes calls, and returns the median duration in microseconds. */
async function median(call, count) {
  const times = [];
  for (let index = 0; index < count; index++) {
    const start = performance.now();
    if (isSync) call();
    else await call();
    times.push(performance.now() - start);
  }
  return times.sort((left, right) => left - right)[Math.floor(count / 2)] * 1000;
}

/** A host whose functions return at once. */
class Nothing {
  exists() {
    return false;
  }
}
const nothing = {
  ...keyvalue({ stores: {} }).getImportObject(),
  "wasi:keyvalue/store": { Bucket: Nothing, open: () => new Nothing() },
};
const direct = await component.instantiate(undefined, nothing);

/** Prints how much longer a call to a store takes than a call to a host that does nothing. */
async function measureCalls(name, store) {
  const host = keyvalue({ stores: { default: store } });
  const guest = await component.instantiate(host);
  for (const each of [direct, guest]) await median(() => each.exists("default", "k"), 5_000);
  const rounds = [];
  for (let round = 0; round < 5; round++) {
    const directTime = await median(() => direct.exists("default", "k"), 5_000);
    const time = await median(() => guest.exists("default", "k"), 5_000);
    rounds.push({ directTime, time, added: time - directTime });
  }
  const { directTime, time, added } = rounds.sort((left, right) => left.added - right.added)[2];
  console.log(
    `${name}: ${time.toFixed(1)} us, ${added.toFixed(1)} us more than ${directTime.toFixed(1)} us without a store`,
  );
  await host.close();
}

await measureCalls(isSync ? "worker" : "JSPI", { module });
if (isSync) await measureCalls("memory: without a worker", "memory:");

// A component without JSPI blocks its thread.
const threadCount = isSync ? 16 : 1;
const progress = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
const threads = await Promise.all(
  Array.from({ length: threadCount }, async (_, thread) => {
    const numbers = Array.from({ length: 16 / threadCount }, (_, index) => thread + index);
    const stores = { default: { module } };
    const workerData = { bytes, cache, stores, numbers, progress };
    const worker = new Worker(new URL("instances.mjs", import.meta.url), { workerData });
    await once(worker, "message");
    return worker;
  }),
);

/** Makes calls from all instances and returns the number of wrong answers. */
async function read(count) {
  const answers = await Promise.all(
    threads.map(async (thread) => {
      thread.postMessage(Math.ceil(count / 16));
      const [wrong] = await once(thread, "message");
      return wrong;
    }),
  );
  return answers.reduce((sum, wrong) => sum + wrong);
}

await read(calls / 10);
Atomics.store(progress, 0, 0);
const memory = [];
const measureMemory = setInterval(() => {
  if (Atomics.load(progress, 0) >= (memory.length * calls) / 20) memory.push(process.memoryUsage().rss);
}, 10);
const start = performance.now();
const wrong = await read(calls);
const seconds = (performance.now() - start) / 1000;
clearInterval(measureMemory);
memory.push(process.memoryUsage().rss);
console.log(`${Atomics.load(progress, 0)} calls from 16 instances: ${wrong} wrong, ${seconds.toFixed(0)} s`);
console.log(`memory in MiB after each 5 %: ${memory.map((bytes) => Math.round(bytes / 1_048_576)).join(" ")}`);
for (const thread of threads) thread.postMessage("close");
await Promise.all(threads.map((thread) => once(thread, "exit")));
await rm(cache, { recursive: true });
