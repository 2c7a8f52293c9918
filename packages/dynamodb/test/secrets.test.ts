import { inspect } from "node:util";
import { answerJson, type HttpHandler } from "@manykv/conformance/faults";
import { type Bucket, StoreError } from "@manykv/core";
import { expect, test } from "vitest";
import { dynamodbStore } from "../src/index.js";
import { damage, fail, hang, resetAfter } from "./support/behaviours.js";
import { startProxy } from "./support/start-proxy.js";
import { testTable } from "./support/test-table.js";

const { name: table, endpoint } = testTable();

const canary = "canary-4242";
const value = new TextEncoder().encode(canary);
const base64 = Buffer.from(value).toString("base64");
const hex = Buffer.from(value).toString("hex");
const traces = [canary, base64.slice(0, -1), hex, [...value].join(","), [...value].join(", ")];

const behaviours: [string, HttpHandler][] = [
  ["a validation error that repeats the item", fail(400, "ValidationException", `${canary} ${base64}`)],
  ["an error whose name contains the secret", fail(400, `Exception-${canary}`)],
  ["a server error", fail(500, "InternalServerError", canary)],
  ["expired credentials", fail(400, "ExpiredTokenException", canary)],
  ["a response that is not JSON", damage(() => Buffer.from(`${canary}{"Responses":`))],
  ["an error that is not JSON", (passage) => passage.reply({ status: 400, body: Buffer.from(canary) })],
  ["a response with other keys", answerJson(200, { Responses: { [canary]: [] }, UnprocessedItems: { [canary]: [] } })],
  ["a lost connection", resetAfter],
  ["no response", hang],
];

const calls: [string, (bucket: Bucket) => Promise<unknown>][] = [
  ["getMany", (bucket) => bucket.getMany([canary])],
  ["setMany", (bucket) => bucket.setMany([[canary, value]])],
  ["deleteMany", (bucket) => bucket.deleteMany([canary])],
  ["exists", (bucket) => bucket.exists(canary)],
  ["listKeys", (bucket) => bucket.listKeys()],
  ["listKeys with an invalid cursor", (bucket) => bucket.listKeys({ cursor: canary })],
];

test.each(behaviours)("errors contain no key, value or secret: %s", async (_, behave) => {
  await using proxy = await startProxy(endpoint);
  proxy.handler = behave;
  const credentials = { accessKeyId: canary, secretAccessKey: canary, sessionToken: canary };
  const retry = { attempts: 2, baseDelay: 1, maxDelay: 1 };
  const store = dynamodbStore({ table, endpoint: proxy.url, credentials, retry, timeout: 300 });
  const bucket = await store.open("bucket");
  for (const [name, call] of calls) {
    const error = await call(bucket).then(
      () => expect.fail(`${name} must reject, but resolved`),
      (reason: unknown) => reason,
    );
    expect(error, name).toBeInstanceOf(StoreError);
    const { message, stack, cause } = error as StoreError;
    const shown =
      inspect(error, { depth: 20, showHidden: true }) + JSON.stringify(error) + message + stack + inspect(cause);
    for (const trace of traces) expect(shown, name).not.toContain(trace);
  }
  await store.close();
});
