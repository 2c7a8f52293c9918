import {
  type DedicatedOptions,
  type Sources,
  type StartOptions,
  startDedicated,
  startShared,
} from "./decide.js";
import type { DynamodbOptions } from "./dynamodb-options.js";
import { dynamodbAt } from "./environment/dynamodb.js";
import { dynamodbProcess } from "./process/dynamodb.js";
import type { DedicatedDynamodb, DynamodbService } from "./service.js";

/** DynamoDB at MANYKV_DYNAMODB_URL where that is set, else as `startDedicatedDynamodb` starts it. */
export function startDynamodb(options: StartOptions = {}): Promise<DynamodbService> {
  return startShared(sources({}), options);
}

/** An emulator that may be broken: AWS's DynamoDB Local in a container, or dynalite in a local process. */
export function startDedicatedDynamodb(
  options: DynamodbOptions & DedicatedOptions = {},
): Promise<DedicatedDynamodb> {
  return startDedicated(sources(options), options);
}

function sources(options: DynamodbOptions): Sources<DynamodbService, DedicatedDynamodb> {
  return {
    name: "dynamodb",
    variable: "MANYKV_DYNAMODB_URL",
    environment: dynamodbAt,
    container: async () => (await import("./container/dynamodb.js")).dynamodbContainer(options),
    process: () => dynamodbProcess(options),
  };
}
