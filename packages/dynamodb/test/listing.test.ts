import { answerJson } from "@manykv/conformance/faults";
import { type Driver, StoreError } from "@manykv/core";
import { randomName } from "@manykv/test-services";
import { describe, expect, test } from "vitest";
import { dynamodbStore } from "../src/index.js";
import { request } from "./support/request.js";
import { startProxy } from "./support/start-proxy.js";
import { testTable } from "./support/test-table.js";

const { name: table, driver, client, endpoint } = testTable();

/** A Scan page of 1 MB ends after three values of this size. */
const large = new Uint8Array(300_000);

async function fill(bucket: string, keys: readonly string[]): Promise<void> {
  await driver.set(request({ bucket, keys, values: keys.map(() => large) }));
}

async function pages(from: Driver, bucket: string): Promise<string[][]> {
  const all: string[][] = [];
  let cursor: string | undefined;
  do {
    const page = await from.list(request({ bucket, ...(cursor === undefined ? {} : { cursor }) }));
    all.push([...page.keys]);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return all;
}

describe("listing", () => {
  const keys = Array.from({ length: 12 }, (_, index) => `key-${index}`);

  test("reads all pages of the table and returns only this bucket's keys", async () => {
    await fill("left", keys);
    await fill(
      "right",
      keys.map((key) => `${key}-right`),
    );
    const left = await pages(driver, "left");
    expect(left.length).toBeGreaterThan(4);
    expect(left.flat().sort()).toEqual([...keys].sort());
    expect(await pages(driver, "empty")).toSatisfy((all: string[][]) => all.flat().length === 0);
  });

  test("ends if the server returns to an earlier page", async () => {
    await using proxy = await startProxy(endpoint);
    let scans = 0;
    proxy.handler = (exchange) => {
      const LastEvaluatedKey = { k: { S: `bucket:${scans++ % 3}` } };
      return answerJson(200, { Items: [], Count: 0, LastEvaluatedKey })(exchange);
    };
    await using store = dynamodbStore({ table, endpoint: proxy.url });
    const bucket = await store.open("bucket");
    await expect(bucket.keys()[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: "internal",
      message: expect.stringContaining("never end"),
    });
  });

  test("accepts a cursor of another store", async () => {
    await fill("left", keys);
    const { cursor = "" } = await driver.list(request({ bucket: "left" }));
    const other = dynamodbStore({ table, client });
    const bucket = await other.open("left");
    await expect(bucket.listKeys({ cursor })).resolves.toBeDefined();
  });

  test("rejects malformed cursors and cursors of other buckets and tables before it sends anything", async () => {
    await fill("left", keys);
    const { cursor = "" } = await driver.list(request({ bucket: "left" }));
    const flipped = cursor.slice(0, 20) + (cursor[20] === "A" ? "B" : "A") + cursor.slice(21);
    const store = dynamodbStore({ table, client });
    const elsewhere = dynamodbStore({ table: randomName(), client });
    const malformed = ["", " ", "0", "null", "e30", "left:key-1", `${cursor}A`, `${cursor}=`, cursor.slice(1), flipped];
    const bad: [typeof store, string, string][] = [
      [store, "right", cursor],
      [store, "lef", cursor],
      [elsewhere, "left", cursor],
      ...malformed.map((text): [typeof store, string, string] => [store, "left", text]),
    ];
    for (const [from, name, text] of bad) {
      const bucket = await from.open(name);
      const error = await bucket.listKeys({ cursor: text }).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(StoreError);
      expect(error).toMatchObject({ code: "invalid-argument", retryable: false });
    }
  });
});
