import { GetItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { passThrough, rewriteAnswer } from "@manykv/conformance/faults";
import { randomName } from "@manykv/test-services";
import { describe, expect, test } from "vitest";
import { dynamodbDriver, dynamodbStore } from "../src/index.js";
import { leaveUnprocessed, withoutChecksum } from "./support/behaviours.js";
import { request } from "./support/request.js";
import { startProxy } from "./support/start-proxy.js";
import { testTable } from "./support/test-table.js";

const { name: table, driver, client, endpoint } = testTable();
const value = new Uint8Array([1]);

async function itemOf(key: string): Promise<unknown> {
  const command = new GetItemCommand({ TableName: table, Key: { k: { S: `bucket:${key}` } } });
  return (await client.send(command)).Item;
}

describe("a key that expires", () => {
  test("has the documented attributes, and a plain set removes them", async () => {
    const key = randomName();
    const before = Date.now();
    await driver.set(request({ keys: [key], values: [value], ttls: [60_000] }));
    const { e, manykv_ttl, ...rest } = (await itemOf(key)) as Record<"e" | "manykv_ttl" | "k" | "v", { N?: string }>;
    expect(rest).toEqual({ k: { S: `bucket:${key}` }, v: { B: value } });
    expect(Number(e.N)).toBeGreaterThanOrEqual(before + 60_000);
    expect(Number(e.N)).toBeLessThanOrEqual(Date.now() + 60_000);
    expect(Number(manykv_ttl.N)).toBe(Math.ceil(Number(e.N) / 1_000));
    await driver.set(request({ keys: [key], values: [value] }));
    expect(await itemOf(key)).toEqual(rest);
  });

  test("does not exist after its time, although the service has not deleted it", async () => {
    await using store = dynamodbStore({ table, client });
    const name = randomName();
    const bucket = await store.open(name);
    await driver.set(request({ bucket: name, keys: ["old"], values: [value], ttls: [-1] }));
    expect(await bucket.get("old")).toBeUndefined();
    expect(await bucket.exists("old")).toBe(false);
    expect(await bucket.ttlMany(["old"])).toEqual([undefined]);
    expect(await bucket.listKeys()).toEqual({ keys: [] });
    const names: string[] = [];
    for await (const each of store.buckets()) names.push(each);
    expect(names).not.toContain(name);
  });

  test("may have the largest ttl", async () => {
    const key = randomName();
    await driver.set(request({ keys: [key], values: [value], ttls: [Number.MAX_SAFE_INTEGER] }));
    const [left] = (await driver.ttl?.(request({ keys: [key] })))?.values ?? [];
    expect(left).toBeGreaterThan(Number.MAX_SAFE_INTEGER - 2 ** 41);
    expect((await driver.get(request({ keys: [key] }))).values).toEqual([value]);
  });

  test("that DynamoDB left unprocessed is recognized, and only with the same expiry", async () => {
    await using proxy = await startProxy(endpoint);
    const behind = dynamodbDriver({ table, endpoint: proxy.url });
    const keys = [randomName(), randomName()];
    const batch = request({ keys, values: [value, value], ttls: [undefined, 60_000] });
    proxy.handler = leaveUnprocessed(() => true);
    expect(await behind.set(batch)).toEqual({ unprocessed: [1] });
    const later = rewriteAnswer((answer) => ({
      ...withoutChecksum(answer),
      body: Buffer.from(answer.body.toString().replace(/"e":\{"N":"\d/, '"e":{"N":"9')),
    }));
    proxy.handler = async (exchange) => {
      const leave = leaveUnprocessed(() => true);
      await leave({ ...exchange, reply: (answer) => later({ ...exchange, forward: async () => answer as never }) });
    };
    const error: unknown = await behind.set(batch).catch((reason: unknown) => reason);
    expect(behind.classify(error)).toMatchObject({ reason: "MalformedAnswer" });
    await behind.close();
  });
});

test("a batch in which no key expires sends the same request as before", async () => {
  await using proxy = await startProxy(endpoint);
  const behind = dynamodbDriver({ table, endpoint: proxy.url });
  const bodies: unknown[] = [];
  proxy.handler = (exchange) => {
    bodies.push(JSON.parse(exchange.body.toString()));
    return passThrough(exchange);
  };
  await behind.set(request({ keys: ["plain"], values: [value] }));
  const Item = { k: { S: "bucket:plain" }, v: { B: "AQ==" } };
  expect(bodies).toEqual([{ RequestItems: { [table]: [{ PutRequest: { Item } }] } }]);
  await behind.close();
});

describe("the clock of this machine is wrong", () => {
  test.each([-3_600_000, 3_600_000])("by %i ms: expiry follows the time of the service", async (ahead) => {
    await using proxy = await startProxy(endpoint);
    proxy.handler = rewriteAnswer((answer) => ({
      ...answer,
      headers: { ...answer.headers, date: new Date(Date.now() + ahead).toUTCString() },
    }));
    const behind = dynamodbDriver({ table, endpoint: proxy.url });
    const keys = ["past", "future"].map((name) => `${name} ${randomName()}`);
    const expiries = [ahead - 5_000, ahead + 5_000];
    // The driver learns the time with its first response.
    await behind.get(request({ keys }));
    await driver.set(request({ keys, values: [value, value], ttls: expiries }));
    expect((await behind.get(request({ keys }))).values).toEqual([undefined, value]);
    const key = randomName();
    await behind.set(request({ keys: [key], values: [value], ttls: [60_000] }));
    const { e } = (await itemOf(key)) as { e: { N: string } };
    expect(Math.abs(Number(e.N) - (Date.now() + ahead + 60_000))).toBeLessThan(5_000);
    await behind.close();
  });
});

test("an item whose expiry another program wrote exists, but cannot be read", async () => {
  const key = randomName();
  for (const e of [{ S: "tomorrow" }, { N: "1.5" }]) {
    await client.send(
      new PutItemCommand({ TableName: table, Item: { k: { S: `bucket:${key}` }, v: { B: value }, e } }),
    );
    expect((await driver.exists?.(request({ keys: [key] })))?.values).toEqual([true]);
    expect((await driver.get(request({ keys: [key] }))).faults).toMatchObject([{ index: 0, code: "internal" }]);
    expect((await driver.ttl?.(request({ keys: [key] })))?.faults).toMatchObject([{ index: 0, code: "internal" }]);
    const change = request({ keys: [key], expected: value, value });
    await expect(driver.compareAndSwap?.(change)).rejects.toMatchObject({ fault: { code: "internal" } });
  }
});

test("listing buckets ignores keys of other programs", async () => {
  const names = [randomName(), randomName()];
  for (const k of [`${names[0]}:`, `${names[1]}`, "user#1"])
    await client.send(new PutItemCommand({ TableName: table, Item: { k: { S: k } } }));
  const { buckets = [] } = (await driver.listBuckets?.(request())) ?? {};
  expect(buckets).toContain(names[0]);
  expect(buckets).not.toContain(names[1]);
});
