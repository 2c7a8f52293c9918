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
  throw new Error("the options were taken");
}

describe("options", () => {
  test.each(["ab", "a".repeat(256), "a b", "a/b", "\u00e9\u00e9\u00e9", "", "table\n", 7, undefined])(
    "the table name %j is refused",
    (table) => {
      expect(refusal({ table, region })).toMatchObject({ code: "invalid-argument" });
      expect(refusal({ table, region }).message).toContain("`table`");
    },
  );

  test.each([undefined, null, "table"])("%j is refused in place of options", (options) => {
    expect(refusal(options)).toMatchObject({ code: "invalid-argument" });
  });

  test.each(["abc", "a".repeat(255), "A-b_c.9"])("the table name %j is taken", async (table) => {
    await dynamodbStore({ table, region }).close();
  });

  test.each(["localhost:8000", "ftp://localhost", "", "http://", "//host"])(
    "the endpoint %j is refused",
    (endpoint) => {
      expect(refusal({ table: "table", region, endpoint }).message).toContain("`endpoint`");
    },
  );

  test("an endpoint with a password is refused without repeating it", () => {
    const error = refusal({ table: "table", region, endpoint: "http://user:canary-secret@localhost" });
    expect(error.message).toContain("`endpoint`");
    expect(inspect(error)).not.toContain("canary");
  });

  test("an empty region and a client that is none are refused", () => {
    expect(refusal({ table: "table", region: "" }).message).toContain("`region`");
    expect(refusal({ table: "table", client: {} }).message).toContain("`client`");
  });

  test.each([
    { region },
    { endpoint: "http://localhost:8000" },
    { credentials: { accessKeyId: "", secretAccessKey: "" } },
  ])("a client beside %j is refused", (rest) => {
    const client = new DynamoDBClient({ region });
    expect(refusal({ table: "table", client, ...rest }).message).toContain("`client`");
    client.destroy();
  });

  test.each([undefined, null, 7, "table"])("%j in place of options is refused", (options) => {
    expect(refusal(options)).toMatchObject({ code: "invalid-argument" });
    expect(refusal(options).message).toContain("options");
  });

  test("an option that there is not is refused by its name", () => {
    expect(refusal({ table: "table", regoin: region }).message).toContain("`regoin`");
  });

  test.each([
    3,
    null,
    "canary",
    {},
    { accessKeyId: "canary" },
    { accessKeyId: 1, secretAccessKey: "canary" },
  ])("the credentials %j are refused without repeating them", (credentials) => {
    const error = refusal({ table: "table", region, credentials });
    expect(error).toMatchObject({ code: "invalid-argument" });
    expect(error.message).toContain("`credentials`");
    expect(inspect(error)).not.toContain("canary");
  });

  test("a provider of credentials is taken", async () => {
    await dynamodbStore({
      table: "table",
      region,
      credentials: async () => expect.fail("asked early"),
    }).close();
  });

  test("credentials show nowhere on a store or a driver", async () => {
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

  test("the limits are the portable ones, and frozen", () => {
    const { limits } = dynamodbDriver({ table: "table", region });
    expect(limits).toMatchObject({ maxKeyBytes: 1024, maxValueBytes: 400_000 });
    expect(limits).toMatchObject({ get: { maxKeys: 100 }, set: { maxKeys: 25 }, delete: { maxKeys: 25 } });
    expect(Object.isFrozen(limits)).toBe(true);
  });
});
