import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { type HttpHandler, type HttpProxy, passThrough } from "@manykv/conformance/faults";
import type { Driver, Fault } from "@manykv/core";
import { afterAll, beforeAll, beforeEach, expect } from "vitest";
import { dynamodbDriver } from "../../src/index.js";
import { request } from "./request.js";
import { startProxy } from "./start-proxy.js";
import type { TestTable } from "./test-table.js";

export const keys: readonly string[] = ["one", "two", "three"];
export const values: readonly Uint8Array[] = keys.map((_, index) => new Uint8Array([index + 1]));

/** A driver's call that sends one request. */
export type Call = "get" | "exists" | "set" | "delete" | "list";
export const calls: readonly Call[] = ["get", "exists", "set", "delete", "list"];

/** How a driver reaches DynamoDB. */
export type Way = "the driver's own client" | "a client of the caller's";
export const ways: readonly Way[] = ["the driver's own client", "a client of the caller's"];

/** A driver with a proxy between it and the server, which passes everything on unless a test says otherwise. */
export interface DriverUnderFaults {
  readonly driver: Driver;
  readonly proxy: HttpProxy;
  /** What the call's error comes to, with the proxy behaving so. */
  faultOf(call: Call, behave: HttpHandler, signal?: AbortSignal): Promise<Fault>;
}

export function driverUnderFaults(table: TestTable, way: Way): DriverUnderFaults {
  let driver: Driver;
  let proxy: HttpProxy;
  let client: DynamoDBClient | undefined;
  beforeAll(async () => {
    proxy = await startProxy(table.endpoint);
    const endpoint = proxy.url;
    if (way === "a client of the caller's") client = new DynamoDBClient({ endpoint, maxAttempts: 1 });
    driver = dynamodbDriver(client ? { table: table.name, client } : { table: table.name, endpoint });
  });
  afterAll(async () => {
    await driver.close();
    client?.destroy();
    await proxy[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    proxy.handler = passThrough;
  });
  return {
    get driver() {
      return driver;
    },
    get proxy() {
      return proxy;
    },
    async faultOf(call, behave, signal = new AbortController().signal) {
      proxy.handler = behave;
      const sent: Promise<unknown> = driver[call]?.(request({ keys, values, signal })) ?? Promise.resolve();
      return sent.then(
        (answer) => expect.fail(`answered ${JSON.stringify(answer)}`),
        (error: unknown) => driver.classify(error),
      );
    },
  };
}
