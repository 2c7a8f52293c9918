import type { Driver } from "@manykv/core/driver";
import { compareAndSwap } from "./compare-and-swap.js";
import { describe } from "./describe.js";
import { classify } from "./error-table.js";
import { increment } from "./increment.js";
import { dynamodbLimits } from "./limits.js";
import { listBuckets, listPage } from "./list.js";
import { checkDriverOptions, type DynamodbDriverOptions } from "./options.js";
import { provision } from "./provision.js";
import { exists, get, ttl } from "./read.js";
import { Transport } from "./transport/transport.js";
import { remove, set, setIfAbsent } from "./write.js";

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
    setIfAbsent: (request) => setIfAbsent(transport, request),
    ttl: (request) => ttl(transport, request),
    increment: (request) => increment(transport, request),
    compareAndSwap: (request) => compareAndSwap(transport, request),
    list: (request) => listPage(transport, request),
    listBuckets: (request) => listBuckets(transport, request),
    provision: (request) => provision(transport, request),
    describe: (request) => describe(transport, request),
    close: () => transport.close(),
    classify,
  };
}
