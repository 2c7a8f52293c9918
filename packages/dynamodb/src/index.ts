export { dynamodbDriver } from "./dynamodb-driver.js";
export { dynamodbStore } from "./dynamodb-store.js";
export type { DynamodbDriverOptions, DynamodbStoreOptions } from "./options.js";
