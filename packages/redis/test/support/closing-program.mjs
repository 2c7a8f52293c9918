// Opens a store, brings it into a state, closes it, and prints what still keeps the process alive.
const [, , file, url, state] = process.argv;
const { redisStore } = await import(file);
const store = redisStore({ url, connectTimeout: 600_000, timeout: 600_000 });
const bucket = await store.open("bucket");
const value = new Uint8Array(1);
const ignore = () => {};

const cancelledWrite = async () => {
  const controller = new AbortController();
  const call = bucket.set("silent", value, { signal: controller.signal }).catch(ignore);
  await new Promise((resolve) => setTimeout(resolve, 30));
  controller.abort();
  await call;
};

const states = {
  unused: ignore,
  idle: () => bucket.set("key", value),
  // The server accepts connections and sends nothing.
  connecting: () => bucket.set("key", value, { timeout: 50 }).catch(ignore),
  "read timed out": async () => {
    await bucket.set("key", value);
    await bucket.get("silent", { timeout: 50 }).catch(ignore);
  },
  "write timed out": async () => {
    await bucket.set("key", value);
    await bucket.set("silent", value, { timeout: 50 }).catch(ignore);
  },
  "write cancelled": async () => {
    await bucket.set("key", value);
    await cancelledWrite();
  },
  "listing timed out": async () => {
    await bucket.set("key", value);
    await bucket.listKeys({ timeout: 50 }).catch(ignore);
  },
  "description timed out": async () => {
    await bucket.set("key", value);
    await store.describe({ timeout: 50 }).catch(ignore);
  },
};

await states[state]();
await store.close();
// The output of this process, and ioredis if it is still being loaded, do not belong to the store.
const left = () => process.getActiveResourcesInfo().filter((each) => !/^(Pipe|TTY|FSReq)/.test(each));
// Closing a socket takes a few turns of the event loop.
for (let turn = 0; turn < 20 && left().length > 0; turn++) await new Promise((resolve) => setImmediate(resolve));
console.log(JSON.stringify(left()));
