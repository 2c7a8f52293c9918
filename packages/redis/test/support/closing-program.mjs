// For each state, opens a store, brings it into the state and closes it. Prints what then still keeps the process alive.
const [, , file, urls] = process.argv;
const { redisStore } = await import(file);
const value = new Uint8Array(1);
const ignore = () => {};

const cancelledWrite = async (bucket) => {
  const controller = new AbortController();
  const call = bucket.set("silent", value, { signal: controller.signal }).catch(ignore);
  await new Promise((resolve) => setTimeout(resolve, 30));
  controller.abort();
  await call;
};

const states = {
  unused: ignore,
  idle: (bucket) => bucket.set("key", value),
  // The server accepts connections and sends nothing.
  connecting: (bucket) => bucket.set("key", value, { timeout: 50 }).catch(ignore),
  "read timed out": async (bucket) => {
    await bucket.set("key", value);
    await bucket.get("silent", { timeout: 50 }).catch(ignore);
  },
  "write timed out": async (bucket) => {
    await bucket.set("key", value);
    await bucket.set("silent", value, { timeout: 50 }).catch(ignore);
  },
  "write cancelled": async (bucket) => {
    await bucket.set("key", value);
    await cancelledWrite(bucket);
  },
  "listing timed out": async (bucket) => {
    await bucket.set("key", value);
    await bucket.listKeys({ timeout: 50 }).catch(ignore);
  },
  "description timed out": async (bucket, store) => {
    await bucket.set("key", value);
    await store.describe({ timeout: 50 }).catch(ignore);
  },
};

// The output of this process, and ioredis if it is still being loaded, do not belong to the store.
const left = () => process.getActiveResourcesInfo().filter((each) => !/^(Pipe|TTY|FSReq)/.test(each));

const leftIn = {};
for (const [state, url] of Object.entries(JSON.parse(urls))) {
  const store = redisStore({ url, connectTimeout: 600_000, timeout: 600_000 });
  await states[state](await store.open("bucket"), store);
  await store.close();
  // Closing a socket takes a few turns of the event loop.
  for (let turn = 0; turn < 20 && left().length > 0; turn++) await new Promise((resolve) => setImmediate(resolve));
  leftIn[state] = left();
}
console.log(JSON.stringify(leftIn));
