import { createStore, type Store, StoreError } from "@manykv/core";
import { dynamodbDriver } from "./dynamodb-driver.js";
import type { DynamodbStoreOptions } from "./options.js";

/**
 * Creates a store that uses a DynamoDB table. Limits: 1,024 bytes of UTF-8 for a key, and 400,000 bytes for a value.
 *
 * ```ts
 * const store = dynamodbStore({ table: "settings", region: "eu-west-1" });
 * await store.provision(); // creates the table unless it exists
 * const bucket = await store.open("users");
 * await bucket.setMany([["alice", new Uint8Array([1, 2])]]);
 * ```
 *
 * @throws {StoreError} `invalid-argument` if an option is unknown or invalid. The message names the option.
 */
export function dynamodbStore(options: DynamodbStoreOptions): Store {
  if (typeof options !== "object" || options === null)
    throw new StoreError("invalid-argument", "the options must be an object: pass { table }");
  const { table, keyAttribute, valueAttribute, counterAttribute, expiryAttribute, ttlAttribute, ...others } = options;
  const attributes = { keyAttribute, valueAttribute, counterAttribute, expiryAttribute, ttlAttribute };
  const { sortKey, region, endpoint, credentials, client, ...rest } = others;
  const driverOptions = { table, ...attributes, sortKey, region, endpoint, credentials, client };
  return createStore(dynamodbDriver(driverOptions), rest);
}
