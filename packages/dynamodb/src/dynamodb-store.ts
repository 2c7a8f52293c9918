import { createStore, type Store } from "@manykv/core";
import { dynamodbDriver } from "./dynamodb-driver.js";
import type { DynamodbStoreOptions } from "./options.js";

/**
 * A store in a DynamoDB table.
 *
 * ```ts
 * const store = dynamodbStore({ table: "settings", region: "eu-west-1" });
 * await store.provision(); // makes the table, where it is not there yet
 * const bucket = await store.open("users");
 * await bucket.setMany([["alice", new Uint8Array([1, 2])]]);
 * ```
 *
 * @throws {StoreError} `invalid-argument`, naming the option.
 */
export function dynamodbStore(options: DynamodbStoreOptions): Store {
  return createStore(dynamodbDriver(options), options);
}
