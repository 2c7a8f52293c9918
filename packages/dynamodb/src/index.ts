export { dynamodbDriver } from "./dynamodb-driver.js";
export { dynamodbStore } from "./dynamodb-store.js";
export type { LayoutOptions, SortKey } from "./layout.js";
export type { DynamodbDriverOptions, DynamodbStoreOptions } from "./options.js";
export { optionsOfUrl } from "./options-of-url.js";
