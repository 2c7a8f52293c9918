import { CreateTableCommand, DeleteTableCommand, GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { StoreError } from "@manykv/core";
import { randomName } from "@manykv/test-services";
import { afterEach, describe, expect, test } from "vitest";
import { dynamodbDriver, dynamodbStore, type LayoutOptions } from "../src/index.js";
import { fail } from "./support/behaviours.js";
import { calls, keys, values } from "./support/driver-under-faults.js";
import { request } from "./support/request.js";
import { startProxy } from "./support/start-proxy.js";
import { testTable } from "./support/test-table.js";

const { client, endpoint, name } = testTable();
const tables: string[] = [];

type Type = "S" | "B" | "N";

/** Creates a table with a partition key and, if `sort` is given, a sort key. */
async function createTable(partition: readonly [string, Type], sort?: readonly [string, Type]): Promise<string> {
  const table = randomName();
  tables.push(table);
  const attributes = [partition, ...(sort === undefined ? [] : [sort])];
  const command = new CreateTableCommand({
    TableName: table,
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: attributes.map(([AttributeName, AttributeType]) => ({ AttributeName, AttributeType })),
    KeySchema: attributes.map(([AttributeName], index) => ({ AttributeName, KeyType: index === 0 ? "HASH" : "RANGE" })),
  });
  await client.send(command);
  await dynamodbDriver({ table, client })
    .provision?.(request())
    .catch(() => {});
  return table;
}

afterEach(async () => {
  for (const TableName of tables.splice(0)) await client.send(new DeleteTableCommand({ TableName }));
});

describe.each<[string, readonly [string, Type], (readonly [string, Type])?]>([
  ["another key", ["id", "S"]],
  ["a binary key", ["k", "B"]],
  ["a number as its key", ["k", "N"]],
  ["a sort key", ["k", "S"], ["s", "S"]],
])("a table with %s", (_, partition, sort) => {
  test.each(calls)("%s rejects and says what to do", async (call) => {
    const table = await createTable(partition, sort);
    const driver = dynamodbDriver({ table, client });
    const error = await driver[call]?.(request({ keys, values })).catch((reason: unknown) => reason);
    const fault = driver.classify(error);
    expect(fault).toMatchObject({ code: "invalid-argument", retryable: false, effect: "none" });
    expect(fault.reason).toContain("`keyAttribute`");
  });

  test("list rejects if the table contains items", async () => {
    const table = await createTable(partition, sort);
    const value = { S: "bucket:1", B: new Uint8Array([1]), N: "1" };
    const one = ([attribute, type]: readonly [string, Type]) => ({
      [attribute]: { [type]: value[type] } as { S: string },
    });
    const Item = { ...one(partition), ...(sort && one(sort)) };
    await client.send(new PutItemCommand({ TableName: table, Item }));
    await using store = dynamodbStore({ table, client });
    const bucket = await store.open("bucket");
    const error: unknown = await bucket.listKeys().catch((reason: unknown) => reason);
    expect(StoreError.is(error) && error.code).toBe("invalid-argument");
  });
});

describe("list checks the primary key", () => {
  test("once, and only if no other call has confirmed it", async () => {
    await using proxy = await startProxy(endpoint);
    const table = await createTable(["k", "S"]);
    const driver = dynamodbDriver({ table, endpoint: proxy.url });
    await driver.list(request());
    expect(proxy.count("Scan")).toBe(2);
    await driver.list(request());
    expect(proxy.count("Scan")).toBe(3);
    await driver.close();
    const warm = dynamodbDriver({ table, endpoint: proxy.url });
    await warm.get(request({ keys }));
    await warm.list(request());
    expect(proxy.count("Scan")).toBe(4);
    await warm.close();
  });

  test("needs no permission beside Scan", async () => {
    await using proxy = await startProxy(endpoint);
    const denied = fail(400, "AccessDeniedException");
    proxy.handler = (exchange) =>
      String(exchange.headers["x-amz-target"]).endsWith(".Scan")
        ? exchange.forward().then(exchange.reply)
        : denied(exchange);
    const driver = dynamodbDriver({ table: name, endpoint: proxy.url });
    expect(await driver.list(request({ bucket: "empty" }))).toEqual({ keys: [] });
    await driver.close();
  });
});

const longest = "\u00e9".repeat(127);

describe.each<[string, LayoutOptions]>([
  ["another key attribute", { keyAttribute: "id" }],
  [
    "reserved words as names",
    {
      keyAttribute: "key",
      valueAttribute: "value",
      counterAttribute: "number",
      expiryAttribute: "time",
      ttlAttribute: "ttl",
    },
  ],
  ["a sort key", { sortKey: { attribute: "SK", value: "manykv" } }],
  ["odd names", { keyAttribute: 'p"k', valueAttribute: "#v :v", sortKey: { attribute: "a.b[0]", value: '"\0' } }],
  [
    "the longest names",
    {
      keyAttribute: `k${longest}`,
      valueAttribute: `v${longest}`,
      counterAttribute: `n${longest}`,
      expiryAttribute: `e${longest}`,
      ttlAttribute: `t${longest}`,
      sortKey: { attribute: `s${longest}`, value: "\u00e9".repeat(512) },
    },
  ],
])("a table with %s", (_, layout) => {
  const { keyAttribute = "k", valueAttribute = "v", counterAttribute = "n", sortKey } = layout;
  const { expiryAttribute = "e", ttlAttribute = "manykv_ttl" } = layout;

  test("is created by provision() and used by every operation", async () => {
    const table = randomName();
    tables.push(table);
    await using store = dynamodbStore({ table, endpoint, ...layout });
    await store.provision();
    await store.provision();
    const bucket = await store.open("b".repeat(64));
    await bucket.setMany(keys.map((key, index) => [key, values[index] as Uint8Array]));
    expect(await bucket.getMany([...keys, "four"])).toEqual([
      ...keys.map((key, index) => [key, values[index]]),
      undefined,
    ]);
    expect(await bucket.exists("one")).toBe(true);
    await bucket.deleteMany(["two", "four"]);
    expect((await bucket.listKeys()).keys.sort()).toEqual(["one", "three"]);
    const Key = {
      [keyAttribute]: { S: `${"b".repeat(64)}:one` },
      ...(sortKey && { [sortKey.attribute]: { S: sortKey.value } }),
    };
    const { Item } = await client.send(new GetItemCommand({ TableName: table, Key }));
    expect(Item).toEqual({ ...Key, [valueAttribute]: { B: values[0] } });
  });

  test("is used by conditional writes, and by keys that expire", async () => {
    const table = randomName();
    tables.push(table);
    await using store = dynamodbStore({ table, endpoint, ...layout });
    await store.provision();
    const bucket = await store.open("bucket");
    const [value = new Uint8Array()] = values;
    await bucket.set("expiring", value, { ttl: 60_000 });
    expect((await bucket.ttlMany(["expiring", "missing"])).map((ttl) => typeof ttl)).toEqual(["number", "undefined"]);
    await bucket.set("created", value, { ifAbsent: true });
    await expect(bucket.set("created", value, { ifAbsent: true })).rejects.toMatchObject({
      code: "precondition-failed",
    });
    await bucket.set("converted", Buffer.from("1"));
    for (const key of ["converted", "counter"]) await bucket.increment(key, 1, { ttl: 60_000 });
    expect((await bucket.getMany(["converted", "counter"])).map((entry) => String(entry?.[1]))).toEqual(["50", "49"]);
    const change = { expected: Buffer.from("2"), value: undefined };
    expect(await bucket.compareAndSwap("converted", change)).toEqual({ swapped: true });
    expect(await bucket.compareAndSwap("counter", change)).toEqual({ swapped: false, current: new Uint8Array([49]) });
    expect((await bucket.listKeys({ prefix: "c" })).keys.sort()).toEqual(["counter", "created"]);
    const buckets: string[] = [];
    for await (const each of store.buckets()) buckets.push(each);
    expect(buckets).toEqual(["bucket"]);
    const Key = {
      [keyAttribute]: { S: "bucket:counter" },
      ...(sortKey && { [sortKey.attribute]: { S: sortKey.value } }),
    };
    const { Item = {} } = await client.send(new GetItemCommand({ TableName: table, Key }));
    const { [expiryAttribute]: expiry, [ttlAttribute]: seconds, ...rest } = Item;
    expect(rest).toEqual({ ...Key, [counterAttribute]: { N: "1" } });
    expect(Number(seconds?.N)).toBe(Math.ceil(Number(expiry?.N) / 1_000));
  });

  test("stores the largest value under the longest key", async () => {
    const table = randomName();
    tables.push(table);
    await using store = dynamodbStore({ table, endpoint, ...layout });
    await store.provision();
    const bucket = await store.open("b".repeat(64));
    const key = "k".repeat(1_024);
    const value = new Uint8Array(400_000).fill(255);
    await bucket.set(key, value, { ttl: 60_000 });
    expect(await bucket.get(key)).toEqual(value);
  });
});

describe("a table that other programs use", () => {
  const sortKey = { attribute: "SK", value: "manykv" };

  test("keeps their items apart by the sort key, and lists only the store's items", async () => {
    const table = await createTable(["PK", "S"], ["SK", "S"]);
    const large = { B: new Uint8Array(300_000) };
    for (const SK of ["a", "b", "z"]) {
      for (const PK of ["bucket:one", "bucket:other", "user#1"]) {
        await client.send(new PutItemCommand({ TableName: table, Item: { PK: { S: PK }, SK: { S: SK }, v: large } }));
      }
    }
    await using store = dynamodbStore({ table, client, keyAttribute: "PK", sortKey });
    const bucket = await store.open("bucket");
    await bucket.set("one", new Uint8Array([1]));
    await bucket.set("two", new Uint8Array([2]));
    expect(await bucket.get("other")).toBeUndefined();
    const listed: string[] = [];
    for await (const key of bucket.keys()) listed.push(key);
    expect(listed.sort()).toEqual(["one", "two"]);
    await bucket.delete("one");
    const { Item } = await client.send(
      new GetItemCommand({ TableName: table, Key: { PK: { S: "bucket:one" }, SK: { S: "a" } } }),
    );
    expect(Item).toBeDefined();
  });

  test("an item of another program without a binary value exists, but cannot be read", async () => {
    await client.send(new PutItemCommand({ TableName: name, Item: { k: { S: "mixed:one" }, v: { S: "text" } } }));
    await client.send(new PutItemCommand({ TableName: name, Item: { k: { S: "mixed:two" }, other: { S: "text" } } }));
    await using store = dynamodbStore({ table: name, client });
    const bucket = await store.open("mixed");
    for (const key of ["one", "two"]) {
      expect(await bucket.exists(key)).toBe(true);
      await expect(bucket.get(key)).rejects.toMatchObject({
        code: "internal",
        reason: expect.stringContaining("another program"),
      });
    }
    expect((await bucket.listKeys()).keys.sort()).toEqual(["one", "two"]);
  });
});
