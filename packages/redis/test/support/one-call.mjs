// Makes one call and prints the code of its error.
const [, , file, url, method, timeout] = process.argv;
const { redisStore } = await import(file);
const store = redisStore({ url, timeout: Number(timeout) });
const bucket = await store.open("b");
const calls = {
  get: () => bucket.get("key"),
  "getMany of one key": () => bucket.getMany(["key"]),
  exists: () => bucket.exists("key"),
  set: () => bucket.set("key", new Uint8Array(1)),
  list: () => bucket.listKeys(),
};
console.log(
  await calls[method]().then(
    () => "resolved",
    (error) => `${error.code} ${error.message}`,
  ),
);
await store.close();
