// Runs the forwarder in a thread, so that the test can break servers while a component without JSPI blocks its thread.
import { parentPort, workerData } from "node:worker_threads";
import { loadComponent } from "../../dist/component.js";
import { keyvalue } from "../../dist/index.js";

const { component, cache, options } = workerData;
const host = keyvalue(options);
const guest = await (await loadComponent(component, { cache })).instantiate(host);
const outcome = async (call) => {
  try {
    return { value: await call() };
  } catch (error) {
    if (error instanceof Error && error.payload === undefined) return { trap: error.message };
    return { error: error.payload ?? error };
  }
};

const programs = {
  call: ({ name, args }) => outcome(() => guest[name](...args)),
  increments: async ({ key, count }) => {
    for (let index = 0; index < count; index++) await guest.increment("default", key, 1n);
  },
  /** Writes values of random sizes, and reads them in random order. Returns the number of wrong answers. */
  sizes: async ({ prefix, keys, reads, maxBytes }) => {
    const valueAt = (index) => new Uint8Array((index * 7919) % maxBytes).fill(index % 251);
    const isRight = (value, index) => Buffer.compare(value, valueAt(index)) === 0;
    for (let index = 0; index < keys; index++) await guest.set("default", `${prefix}${index}`, valueAt(index));
    let wrong = 0;
    for (let count = 0; count < reads; count++) {
      const index = Math.floor(Math.random() * keys);
      if (!isRight(await guest.get("default", `${prefix}${index}`), index)) wrong++;
      if (count % 10 !== 0) continue;
      const places = await guest.getMany("default", [`${prefix}${index}`, `${prefix}missing`, `${prefix}0`]);
      if (!isRight(places[0][1], index) || places[1][1] !== undefined || places[2][1].length !== 0) wrong++;
    }
    return wrong;
  },
  close: () => host.close(),
};

parentPort.on("message", async ({ program, input }) => parentPort.postMessage(await programs[program](input)));
parentPort.postMessage("ready");
