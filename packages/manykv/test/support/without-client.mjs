// Usage: without-client.mjs missing|broken. Prints how a call fails on each backend whose client library cannot be loaded.
import { register } from "node:module";
import { dynamodbStore } from "@manykv/dynamodb";
import { postgresStore } from "@manykv/postgres";
import { redisStore } from "@manykv/redis";

const failure =
  process.argv[2] === "missing"
    ? 'throw Object.assign(new Error("missing"), { code: "ERR_MODULE_NOT_FOUND" })'
    : 'throw new ReferenceError("TextEncoder is not defined")';
const hooks = `
const clients = ["ioredis", "pg", "@aws-sdk/client-dynamodb"];
export function resolve(specifier, context, next) {
  if (clients.includes(specifier)) ${failure};
  return next(specifier, context);
}`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);

const stores = [
  redisStore({ url: "redis://127.0.0.1:1" }),
  postgresStore({ url: "postgres://127.0.0.1:1/db" }),
  dynamodbStore({ table: "table", region: "eu-central-1" }),
];
for (const store of stores) {
  const bucket = await store.open("bucket");
  const { code, retryable, reason } = await bucket.get("key").catch((error) => error);
  console.log(code, retryable, reason);
  await store.close();
}
