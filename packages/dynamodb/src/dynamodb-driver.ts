import type { Driver } from "@manykv/core/driver";
import { describe } from "./describe.js";
import { classify } from "./error-table.js";
import { dynamodbLimits } from "./limits.js";
import { listPage } from "./list.js";
import { checkDriverOptions, type DynamodbDriverOptions } from "./options.js";
import { provision } from "./provision.js";
import { exists, get } from "./read.js";
import { Transport } from "./transport/transport.js";
import { remove, set } from "./write.js";

/**
 * Creates the driver that {@link dynamodbStore} uses, for `createStore` and for tools that wrap a driver.
 *
 * @throws {StoreError} `invalid-argument` if an option is unknown or invalid. The message names the option.
 */
export function dynamodbDriver(options: DynamodbDriverOptions): Driver {
  const transport = new Transport(checkDriverOptions(options));
  return {
    name: "dynamodb",
    get server() {
      return transport.server;
    },
    limits: dynamodbLimits,
    get: (request) => get(transport, request),
    set: (request) => set(transport, request),
    delete: (request) => remove(transport, request),
    exists: (request) => exists(transport, request),
    list: (request) => listPage(transport, request),
    provision: (request) => provision(transport, request),
    describe: (request) => describe(transport, request),
    close: () => transport.close(),
    classify,
  };
}
