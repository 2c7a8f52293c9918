// Measures what docs and README promise: `node packages/wasi/scripts/acceptance.mjs [calls]`, after a build.
//
// 1. How long a call takes: to a host that does nothing (`direct`), and through the worker or JSPI to a store that does
//    nothing but answer (`waiting`).
// 2. Many calls from 16 instances with answers of random sizes: wrong answers, and the memory before and after.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildForwarder } from "@manykv/wasi-guests";
import { loadComponent } from "../dist/component.js";
import { keyvalue } from "../dist/index.js";

const calls = Number(process.argv[2] ?? 1_000_000);
const cache = await mkdtemp(join(tmpdir(), "manykv-wasi-"));
const component = await loadComponent(await buildForwarder("draft2"), { cache });
const isSync = component.mode === "sync";
const module = new URL("../test/support/memory-store.mjs", import.meta.url).href;
const startHost = () => keyvalue({ stores: { default: { module } } });
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
  ...startHost().getImportObject(),
  "wasi:keyvalue/store": { Bucket: Nothing, open: () => new Nothing() },
};
const direct = await component.instantiate(undefined, nothing);
const host = startHost();
const waiting = await component.instantiate(host);
for (const guest of [direct, waiting]) await median(() => guest.exists("default", "k"), 5_000);
const rounds = [];
for (let round = 0; round < 5; round++) {
  const directTime = await median(() => direct.exists("default", "k"), 5_000);
  const waitingTime = await median(() => waiting.exists("default", "k"), 5_000);
  rounds.push(waitingTime - directTime);
  console.log(`direct ${directTime.toFixed(1)} us, waiting ${waitingTime.toFixed(1)} us`);
}
rounds.sort((left, right) => left - right);
console.log(`a call that waits adds ${rounds[2].toFixed(1)} us at the median`);
await host.close();

const instances = await Promise.all(
  Array.from({ length: 16 }, async (_, instance) => {
    const own = startHost();
    return { own, instance, guest: await component.instantiate(own) };
  }),
);
const keys = 64;
const valueAt = (index) => new Uint8Array((index * 7919) % 20_000).fill(index);
const prepare = async ({ guest, instance }) => {
  for (let index = 0; index < keys; index++) await guest.set("default", `${instance}-${index}`, valueAt(index));
};
let wrong = 0;
async function read({ guest, instance }, count) {
  for (let call = 0; call < count; call++) {
    const index = Math.floor(Math.random() * keys);
    const value = await guest.get("default", `${instance}-${index}`);
    if (value?.length !== (index * 7919) % 20_000 || value.some((byte) => byte !== index)) wrong++;
  }
}
await Promise.all(instances.map(prepare));
const memory = () => `${Math.round(process.memoryUsage().rss / 1_048_576)} MiB`;
await Promise.all(instances.map((each) => read(each, Math.ceil(calls / 160))));
const before = memory();
const start = performance.now();
await Promise.all(instances.map((each) => read(each, Math.ceil(calls / 16))));
const seconds = (performance.now() - start) / 1000;
console.log(
  `${calls} calls from 16 instances: ${wrong} wrong, ${seconds.toFixed(0)} s, memory ${before} before and ${memory()} after`,
);
await Promise.all(instances.map(({ own }) => own.close()));
await rm(cache, { recursive: true });
