import { Buffer } from "node:buffer";
import { randomName, startDedicatedRedis } from "@manykv/test-services";
import { serviceUrl } from "@manykv/test-services/vitest";
import { expect, test, vi } from "vitest";
import { openStore, portableLimits, type StoreError } from "../src/index.js";
import { expectNoLeak, rejection } from "./support/leaks.js";
import { dynamodbEndpoint, storeUrls } from "./support/stores.js";

test.each(Object.entries({ memory: "memory:", ...storeUrls }))(
  "openStore opens %s and applies the options",
  async (_, url) => {
    await using store = await openStore(url, { limits: portableLimits, buckets: ["fruit"] });
    await store.provision();
    const bucket = await store.open("fruit");
    const key = randomName();
    await bucket.setMany([[key, Buffer.from("one")]]);
    expect((await bucket.getMany([key]))[0]?.[1]).toEqual(Uint8Array.from(Buffer.from("one")));
    await bucket.deleteMany([key]);
    expect(bucket.limits).toEqual(portableLimits);
    expect((await rejection(store.open("vegetables"))).code).toBe("no-such-store");
  },
);

test("an option that changes when it is read again is read once", async () => {
  const values = [["fruit"], ["canary"]];
  const options = {
    get buckets() {
      return values.shift();
    },
  };
  await using store = await openStore("memory:", options);
  expect(values).toEqual([["canary"]]);
  await store.open("fruit");
});

test("the scheme is case-insensitive", async () => {
  await using store = await openStore("MEMORY:");
  expect((await store.open("b")).name).toBe("b");
});

test("each memory: URL opens a separate store", async () => {
  await using one = await openStore("memory:");
  await using other = await openStore("memory:");
  await (await one.open("b")).set("k", Uint8Array.of(1));
  expect(await (await other.open("b")).get("k")).toBeUndefined();
});

test.each([
  ["mongodb://u:topsecret@h/db", 'unknown URL scheme "mongodb:"'],
  ["http://u:topsecret@h", 'unknown URL scheme "http:"'],
  ["u:topsecret@h", 'unknown URL scheme "u:"'],
  ["", "starts with a scheme"],
  ["topsecret@h", "starts with a scheme"],
  ["//h", "starts with a scheme"],
  [undefined, "starts with a scheme"],
  [new URL("redis://u:topsecret@h"), "starts with a scheme"],
  ["redis://u:topsecret@h\n", "a line break"],
  ["redis://u:topsecret@h\r", "a line break"],
  [" redis://u:topsecret@h", "a space"],
  ["postgres://u:top secret@h/db", "a space"],
  ["memory:\n", "a line break"],
  ["memory:topsecret", "has no address"],
  ["memory://topsecret", "has no address"],
  ["memory:?size=topsecret", 'unknown URL parameter "size"'],
  ["redis://u:topsecret@h?tls=topsecret", '"tls"'],
  ["redis+cluster://u:topsecret@h:7000,h:7001?read=topsecret", '"read"'],
  ["redis://u:topsecret@h:port", "HOST:PORT"],
  ["redis://u:word?topsecret@h", "Percent-encode"],
  ["redis+cluster://u:word?top=topsecret@h", "Percent-encode"],
  ["redis://u:word#topsecret@h", "Percent-encode"],
  ["redis://u:word/topsecret@h", "the Redis URL"],
  ["postgres://u:1?topsecret@h/db", "Percent-encode"],
  ["postgres://u:1#topsecret@h/db", "Percent-encode"],
  ["redis://u:topsecret@h/db", "database"],
  ["postgres://u:topsecret@h/db?tabel=topsecret", "tabel"],
  ["postgres://u:topsecret@h/db?table=a&table=topsecret", "table"],
  ["postgres://u:topsecret@h:port/db", "postgres://"],
  ["dynamodb://eu-central-1/table?endpiont=topsecret", 'unknown URL parameter "endpiont": use "endpoint"'],
  ["dynamodb://eu-central-1/table?endpoint=http://a&endpoint=topsecret", '"endpoint" once'],
  ["dynamodb://eu-central-1/table?endpoint=", '"endpoint" once, and with a value'],
  ["dynamodb://eu-central-1/table?endpoint=topsecret", "`endpoint`"],
  ["dynamodb://eu-central-1/table?endpoint=http://u:topsecret%40h", "`endpoint`"],
  ["dynamodb://u:topsecret@eu-central-1/table", "dynamodb://REGION/TABLE"],
  ["dynamodb://eu-central-1:8000/table", "dynamodb://REGION/TABLE"],
  ["dynamodb://eu-central-1", "dynamodb://REGION/TABLE"],
  ["dynamodb://eu-central-1/", "dynamodb://REGION/TABLE"],
  ["dynamodb:///table", "dynamodb://REGION/TABLE"],
  ["dynamodb://eu-central-1/a/b", "dynamodb://REGION/TABLE"],
  ["dynamodb://eu-central-1/a%zz", "dynamodb://REGION/TABLE"],
  ["dynamodb://eu-central-1/a%20b", "`table`"],
  ["dynamodb://eu-central-1/table?sortKeyAttribute=s", '"sortKeyAttribute" and "sortKeyValue" together'],
  ["dynamodb://eu-central-1/table?keyAttribute=v", "`keyAttribute`, `valueAttribute`"],
] as const)("openStore rejects %s", async (url, message) => {
  const error = await rejection(openStore(url as string));
  expect(error).toMatchObject({ tag: "other", code: "invalid-argument", retryable: false });
  expect(error.message).toContain(message);
  expectNoLeak(error, "topsecret");
});

test("openStore loads a further backend only for its scheme, and passes the checked options", async () => {
  const load = vi.fn(() => import("./support/backend/index.mjs"));
  const backends = { fruit: load };
  await using own = await openStore("memory:", { backends });
  expect(own).toBeDefined();
  expect(load).not.toHaveBeenCalled();
  await using store = await openStore("fruit:memory", { backends, buckets: ["a"], limits: portableLimits });
  expect(load).toHaveBeenCalledOnce();
  expect((await store.open("a")).limits).toEqual(portableLimits);
  expect((await rejection(store.open("b"))).code).toBe("no-such-store");
});

test("a further backend can replace one of manykv's own", async () => {
  const openOther = vi.fn(() => openStore("memory:"));
  await using _ = await openStore("redis://host", { backends: { redis: async () => ({ openStore: openOther }) } });
  expect(openOther).toHaveBeenCalledExactlyOnceWith("redis://host", {});
});

test.each([
  [[], 'unknown URL scheme "fruit:"'],
  [{ "Fruit:": async () => ({}) }, "not a URL scheme in lower case"],
  [{ fruit: { openStore } }, "must be a function"],
  [{ fruit: async () => ({ default: openStore }) }, "must export a function openStore(url, options)"],
  [{ fruit: () => import("./support/backend/index.mjs") }, "returned no store"],
  [1, "`backends` must be an object of functions"],
])("openStore rejects the backends %j", async (backends, message) => {
  const error = await rejection(openStore("fruit:nothing", { backends: backends as never }));
  expect(error.code).toBe("invalid-argument");
  expect(error.message).toContain(message);
});

test("openStore rejects an option that is out of range", async () => {
  expect((await rejection(openStore("memory:", { timeout: -1 }))).code).toBe("invalid-argument");
});

test.each([
  ["memory:", "timout"],
  ["redis://127.0.0.1:1", "client"],
  ["redis+cluster://127.0.0.1:1", "wait"],
  ["postgres://127.0.0.1:1/db", "table"],
  ["dynamodb://eu-central-1/table", "region"],
])("openStore(%j) rejects the unknown option %s", async (url, name) => {
  const error = await rejection(openStore(url, { [name]: "topsecret" }));
  expect(error).toMatchObject({ code: "invalid-argument", retryable: false });
  expect(error.message).toContain(`unknown option \`${name}\``);
  expectNoLeak(error, "topsecret");
});

async function firstCall(url: string): Promise<StoreError> {
  await using store = await openStore(url, { timeout: 2000 });
  const bucket = await store.open("b");
  const read = await rejection(bucket.getMany(["a key of mine"]));
  const write = await rejection(bucket.setMany([["a key of mine", Buffer.from("a value of mine")]]));
  expect([write.tag, write.code]).toEqual([read.tag, read.code]);
  expectNoLeak(read, "topsecret", "a key of mine");
  expectNoLeak(write, "topsecret", "a key of mine", "a value of mine");
  return read;
}

test.each([
  "redis://u:topsecret@127.0.0.1:1",
  "redis://:topsecret@[::1]:1/3",
  "redis+cluster://u:topsecret@127.0.0.1:1,127.0.0.1:2",
  "redis+sentinel://u:topsecret@127.0.0.1:1,127.0.0.1:2/main/1?sentinel_password=topsecret",
  "redis+unix://u:topsecret@/no/such/socket?db=1",
  "valkey://u:topsecret@127.0.0.1:1",
  "valkeys+cluster://u:topsecret@127.0.0.1:1",
  "postgres://u:topsecret@127.0.0.1:1/db",
  "postgresql://u:topsecret@[::1]:1/db",
  "postgres://u:topsecret@127.0.0.1:1,127.0.0.1:2/db?target_session_attrs=read-write",
  "dynamodb://eu-central-1/some-table?endpoint=http%3A%2F%2F127.0.0.1%3A1",
])("without a server at %s, the first call rejects with `unavailable`", async (url) => {
  expect(await firstCall(url)).toMatchObject({ tag: "other", code: "unavailable" });
});

test("Redis: with a wrong password, the first call rejects with `access-denied`", async () => {
  const password = "p@ss:w/ö %?#[]";
  await using server = await startDedicatedRedis({ password });
  await using store = await openStore(server.url);
  await (await store.open("b")).set("k", Uint8Array.of(1));
  const wrong = new URL(server.url);
  wrong.password = "topsecret";
  expect(await firstCall(wrong.href)).toMatchObject({ tag: "access-denied", code: "access-denied" });
});

test("Postgres: with a wrong password, the first call rejects with `access-denied`", async () => {
  const wrong = new URL(serviceUrl("postgres"));
  wrong.password = "topsecret";
  expect(await firstCall(wrong.href)).toMatchObject({ tag: "access-denied", code: "access-denied" });
});

test("Postgres: without the database, the first call rejects with `no-such-store`", async () => {
  const wrong = new URL(serviceUrl("postgres"));
  wrong.pathname = "/nowhere";
  expect(await firstCall(wrong.href)).toMatchObject({ tag: "no-such-store", code: "no-such-store" });
});

test.each([
  ["Postgres", `${serviceUrl("postgres")}?table=nowhere`],
  ["DynamoDB", `dynamodb://eu-central-1/nowhere?endpoint=${encodeURIComponent(dynamodbEndpoint)}`],
])("%s: without the table, the first call rejects with `no-such-store`", async (_, url) => {
  expect(await firstCall(url)).toMatchObject({ tag: "no-such-store", code: "no-such-store" });
});

test("DynamoDB: the URL names the table's attributes", async () => {
  const parameters = new URLSearchParams({
    endpoint: dynamodbEndpoint,
    keyAttribute: "PK",
    valueAttribute: "data",
    sortKeyAttribute: "SK",
    sortKeyValue: "manykv",
  });
  const table = randomName();
  await using store = await openStore(`dynamodb://eu-central-1/${table}?${parameters}`);
  await store.provision();
  await (await store.open("b")).set("k", Uint8Array.of(1));
  const plain = `dynamodb://eu-central-1/${table}?endpoint=${encodeURIComponent(dynamodbEndpoint)}`;
  expect(await firstCall(plain)).toMatchObject({ code: "invalid-argument" });
});
