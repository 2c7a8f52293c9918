import { DynamoDBClient, type DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";
import { type HttpHandler, type HttpProxy, passThrough } from "@manykv/conformance/faults";
import type { Driver, Fault } from "@manykv/core/driver";
import { randomName } from "@manykv/test-services";
import { afterAll, beforeAll, beforeEach, expect } from "vitest";
import { dynamodbDriver } from "../../src/index.js";
import { request } from "./request.js";
import { startProxy } from "./start-proxy.js";
import type { TestTable } from "./test-table.js";

export const keys: readonly string[] = ["one", "two", "three"];
export const values: readonly Uint8Array[] = keys.map((_, index) => new Uint8Array([index + 1]));

/** A method of a driver that sends one request, unless a condition is not met. */
export type Call = "get" | "exists" | "ttl" | "set" | "delete" | "list" | "listBuckets" | ConditionalCall;
/** A method that sends a conditional write. */
export type ConditionalCall = "setIfAbsent" | "increment" | "compareAndSwap";
export const conditionalCalls: readonly ConditionalCall[] = ["setIfAbsent", "increment", "compareAndSwap"];
export const calls: readonly Call[] = [
  ...(["get", "exists", "ttl", "set", "delete", "list", "listBuckets"] as const),
  ...conditionalCalls,
];

/** How a driver reaches DynamoDB. If the caller has added middleware, requests cannot skip the SDK's middleware. */
export type Way = "our own client" | "a caller's client" | "a caller's client with middleware";
export const ways: readonly Way[] = ["our own client", "a caller's client", "a caller's client with middleware"];

export interface OpenDriver extends AsyncDisposable {
  readonly driver: Driver;
  readonly client: DynamoDBClient | undefined;
}

export function openDriver(way: Way, table: string, config: DynamoDBClientConfig): OpenDriver {
  const client = way === "our own client" ? undefined : new DynamoDBClient(config);
  if (way === "a caller's client with middleware") client?.middlewareStack.add((next) => (args) => next(args));
  const driver = dynamodbDriver({ table, ...(client === undefined ? (config as object) : { client }) });
  const close = async (): Promise<void> => {
    await driver.close();
    client?.destroy();
  };
  return { driver, client, [Symbol.asyncDispose]: close };
}

/** Sends a first request. Later requests skip the SDK's middleware if possible. */
export async function warmUp(driver: Driver): Promise<void> {
  await driver.get(request({ keys: ["warm-up"] }));
}

/** A driver that has sent a first request, and the proxy between the driver and the server. */
export interface DriverUnderFaults {
  readonly driver: Driver;
  readonly proxy: HttpProxy;
  /** Returns the fault of a call that fails because the proxy uses the handler `behave`. */
  faultOf(call: Call, behave: HttpHandler, signal?: AbortSignal): Promise<Fault>;
}

export function driverUnderFaults(table: TestTable, way: Way): DriverUnderFaults {
  let opened: OpenDriver;
  let proxy: HttpProxy;
  beforeAll(async () => {
    proxy = await startProxy(table.endpoint);
    opened = openDriver(way, table.name, { endpoint: proxy.url });
    await warmUp(opened.driver);
  });
  afterAll(async () => {
    await opened[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    proxy.handler = passThrough;
  });
  return {
    get driver() {
      return opened.driver;
    },
    get proxy() {
      return proxy;
    },
    async faultOf(call, behave, signal = new AbortController().signal) {
      proxy.handler = behave;
      const isConditional = conditionalCalls.some((each) => each === call);
      const sent: Promise<unknown> =
        opened.driver[call]?.(request({ keys: isConditional ? [randomName()] : keys, values, signal })) ??
        Promise.resolve();
      return sent.then(
        (answer) => expect.fail(`the call must reject, but resolved with ${JSON.stringify(answer)}`),
        (error: unknown) => opened.driver.classify(error),
      );
    },
  };
}
