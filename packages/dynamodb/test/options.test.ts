import { inspect } from "node:util";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { StoreError } from "@manykv/core";
import { describe, expect, test } from "vitest";
import { type DynamodbStoreOptions, dynamodbDriver, dynamodbStore } from "../src/index.js";

const region = "us-east-1";

function refusal(options: unknown): StoreError {
  try {
    dynamodbStore(options as DynamodbStoreOptions);
  } catch (error) {
    if (StoreError.is(error)) return error;
  }
  throw new Error("dynamodbStore must throw a StoreError, but did not");
}

describe("options", () => {
  test.each(["ab", "a".repeat(256), "a b", "a/b", "\u00e9\u00e9\u00e9", "", "table\n", 7, undefined])(
    "rejects the table name %j",
    (table) => {
      expect(refusal({ table, region })).toMatchObject({ code: "invalid-argument" });
      expect(refusal({ table, region }).message).toContain("`table`");
    },
  );

  test.each([undefined, null, "table"])("rejects %j instead of options", (options) => {
    expect(refusal(options)).toMatchObject({ code: "invalid-argument" });
  });

  test.each(["abc", "a".repeat(255), "A-b_c.9"])("accepts the table name %j", async (table) => {
    await dynamodbStore({ table, region }).close();
  });

  test("an option that changes when it is read again is read once", async () => {
    const tables = ["table", "canary"];
    const attributes = ["sort", "canary"];
    const driver = dynamodbDriver({
      region,
      get table() {
        return tables.shift() ?? "";
      },
      sortKey: {
        get attribute() {
          return attributes.shift() ?? "";
        },
        value: "value",
      },
    });
    expect([tables, attributes]).toEqual([["canary"], ["canary"]]);
    await driver.close();
  });

  test.each(["localhost:8000", "ftp://localhost", "", "http://", "//host"])("rejects the endpoint %j", (endpoint) => {
    expect(refusal({ table: "table", region, endpoint }).message).toContain("`endpoint`");
  });

  test("rejects an endpoint with a password without repeating it", () => {
    const error = refusal({ table: "table", region, endpoint: "http://user:canary-secret@localhost" });
    expect(error.message).toContain("`endpoint`");
    expect(inspect(error)).not.toContain("canary");
  });

  test("rejects an empty region and an object that is not a client", () => {
    expect(refusal({ table: "table", region: "" }).message).toContain("`region`");
    for (const client of [{}, null, 7, { send: async () => ({}) }, { send() {}, config: {} }])
      expect(refusal({ table: "table", client }).message).toContain("`client`");
  });

  test.each<[string, (client: DynamoDBClient) => unknown]>([
    [
      "another service",
      ({ config, send, middlewareStack }) => ({ config: { ...config, serviceId: "S3" }, send, middlewareStack }),
    ],
    ["version 2", () => ({ config: {}, makeRequest() {} })],
    ["version 2", () => ({ service: { config: {}, makeRequest() {} }, get() {} })],
    [
      "3.974 or later",
      ({ config, send, middlewareStack }) => ({ config: { ...config, protocol: undefined }, send, middlewareStack }),
    ],
    ["3.974 or later", (client) => Promise.resolve(client)],
    ["3.974 or later", () => DynamoDBClient],
    ["frozen", (client) => Object.freeze(client)],
    ["sealed", (client) => Object.seal(client)],
    ["frozen", (client) => Object.freeze(client.config) && client],
  ])("refuses an unsuitable client when the store is created: %s", (text, change) => {
    const error = refusal({ table: "table", client: change(new DynamoDBClient({ region })) });
    expect(error).toMatchObject({ code: "invalid-argument" });
    expect(error.message).toContain("`client`");
    expect(error.message).toContain(text);
  });

  test.each([{}, null, "", "a".repeat(256), "\ud800", 7])("rejects %j as the name of an attribute", (name) => {
    expect(refusal({ table: "table", region, keyAttribute: name }).message).toContain("`keyAttribute`");
    expect(refusal({ table: "table", region, valueAttribute: name }).message).toContain("`valueAttribute`");
    const sortKey = { attribute: name, value: "manykv" };
    expect(refusal({ table: "table", region, sortKey }).message).toContain("`sortKey.attribute`");
  });

  test.each([
    [null, "`sortKey` must be an object"],
    ["sk", "`sortKey` must be an object"],
    [{ attribute: "sk" }, "`sortKey.value`"],
    [{ attribute: "sk", value: "" }, "`sortKey.value`"],
    [{ attribute: "sk", value: "\u00e9".repeat(513) }, "`sortKey.value`"],
    [{ attribute: "sk", value: "v", type: "S" }, "unknown option `type` in `sortKey`"],
    [{ attribute: "k", value: "v" }, "must be different names"],
    [{ attribute: "v", value: "v" }, "must be different names"],
  ])("rejects the sort key %j", (sortKey, message) => {
    expect(refusal({ table: "table", region, sortKey }).message).toContain(message);
  });

  test("rejects the same name for the key and the value", () => {
    expect(refusal({ table: "table", region, keyAttribute: "v" }).message).toContain("must be different names");
  });

  test.each([
    { region },
    { endpoint: "http://localhost:8000" },
    { credentials: { accessKeyId: "", secretAccessKey: "" } },
  ])("rejects a client together with %j", (rest) => {
    const client = new DynamoDBClient({ region });
    expect(refusal({ table: "table", client, ...rest }).message).toContain("`client`");
    client.destroy();
  });

  test.each([undefined, null, 7, "table"])("rejects %j instead of an options object", (options) => {
    expect(refusal(options)).toMatchObject({ code: "invalid-argument" });
    expect(refusal(options).message).toContain("options");
  });

  test("rejects an unknown option by name", () => {
    expect(refusal({ table: "table", regoin: region }).message).toContain("`regoin`");
    expect(() => dynamodbDriver({ table: "table", timeout: 1 } as never)).toThrow("`timeout`");
  });

  test.each([3, null, "canary", {}, { accessKeyId: "canary" }, { accessKeyId: 1, secretAccessKey: "canary" }])(
    "rejects the credentials %j without repeating them",
    (credentials) => {
      const error = refusal({ table: "table", region, credentials });
      expect(error).toMatchObject({ code: "invalid-argument" });
      expect(error.message).toContain("`credentials`");
      expect(inspect(error)).not.toContain("canary");
    },
  );

  test("accepts a provider function and does not call it before the first request", async () => {
    await dynamodbStore({
      table: "table",
      region,
      credentials: async () => expect.fail("the store must not call the provider before the first request"),
    }).close();
  });

  test("does not show credentials in a store, driver or bucket", async () => {
    const credentials = {
      accessKeyId: "canary-id",
      secretAccessKey: "canary-secret",
      sessionToken: "canary-token",
    };
    const store = dynamodbStore({ table: "table", region, credentials });
    const driver = dynamodbDriver({ table: "table", region, credentials });
    for (const subject of [store, driver, await store.open("bucket")]) {
      expect(inspect(subject, { depth: 20, showHidden: true })).not.toContain("canary");
      expect(JSON.stringify(subject)).not.toContain("canary");
    }
    await store.close();
    await driver.close();
  });

  test("declares frozen limits", () => {
    const { limits } = dynamodbDriver({ table: "table", region });
    expect(limits).toMatchObject({ maxValueBytes: 400_000 });
    expect(limits).toMatchObject({ get: { maxKeys: 100 }, set: { maxKeys: 25 }, delete: { maxKeys: 25 } });
    expect(Object.isFrozen(limits)).toBe(true);
  });
});
