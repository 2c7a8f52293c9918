// A thread of `acceptance.mjs`: instances that read values of random sizes and check each one.
import { parentPort, workerData } from "node:worker_threads";
import { loadComponent } from "../dist/component.js";
import { keyvalue } from "../dist/index.js";

const { bytes, cache, stores, numbers, progress } = workerData;
const keys = 64;
const component = await loadComponent(bytes, { cache });
const instances = await Promise.all(
  numbers.map(async (number) => {
    const host = keyvalue({ stores });
    return { host, guest: await component.instantiate(host), values: valuesOf(number) };
  }),
);

/** Values that differ from those of all other keys and instances. */
function valuesOf(number) {
  return Array.from({ length: keys }, (_, index) => {
    const value = new Uint8Array(2 + ((index * 7919 + number * 104_729) % 20_000)).fill(index);
    value[0] = number;
    return value;
  });
}

async function write({ guest, values }) {
  for (const [index, value] of values.entries()) await guest.set("default", `${value[0]}-${index}`, value);
}

/** Returns the number of wrong answers. */
async function read({ guest, values }, count) {
  let wrong = 0;
  for (let call = 0; call < count; call++) {
    const expected = values[Math.floor(Math.random() * keys)];
    const value = await guest.get("default", `${expected[0]}-${expected[1]}`);
    if (value === undefined || Buffer.compare(value, expected) !== 0) wrong++;
    Atomics.add(progress, 0, 1);
  }
  return wrong;
}

await Promise.all(instances.map(write));
parentPort.on("message", async (count) => {
  if (count === "close") {
    await Promise.all(instances.map(({ host }) => host.close()));
    process.exit();
  }
  const wrong = await Promise.all(instances.map((instance) => read(instance, count)));
  parentPort.postMessage(wrong.reduce((sum, each) => sum + each));
});
parentPort.postMessage("ready");
