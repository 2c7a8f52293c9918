// Prints the error of a call if ioredis is not installed. The first argument is the URL of the package.
import { register } from "node:module";

const hook = `export async function resolve(name, context, next) {
  if (name === "ioredis") throw Object.assign(new Error("not found"), { code: "ERR_MODULE_NOT_FOUND" });
  return next(name, context);
}`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);

const { redisStore } = await import(process.argv[2]);
const store = redisStore({ url: "redis://127.0.0.1:1", timeout: 60_000 });
const bucket = await store.open("bucket");
await bucket.get("key").catch((error) => console.log(error.code, error.retryable, error.reason));
await store.close();
