import { createStore } from "@manykv/core";
import { type Fault, FaultError } from "@manykv/core/driver";
import { expect, test } from "vitest";
import { wrapDriver } from "../src/faults/wrap-driver.js";
import { WatchedDrivers } from "../src/support/watched-drivers.js";
import { referenceDriver } from "./reference-driver.js";

const lost: Fault = { code: "connection-lost", retryable: false, effect: "unknown" };

test("a failing fence is logged with its error, however the driver reports it, and runs once for its keys", async () => {
  let runs = 0;
  const fence = async (): Promise<void> => {
    runs++;
    throw new RangeError("KILL needs a number");
  };
  const fault: Fault = { ...lost, fence };
  const fails = async (): Promise<never> => {
    throw new Error("the connection was closed");
  };
  const ways = [
    { set: async () => ({ faults: [0, 1].map((index) => ({ ...fault, index })) }) },
    { set: () => Promise.reject(new FaultError(fault)) },
    { set: fails, classify: () => fault },
  ];
  for (const way of ways) {
    const drivers = new WatchedDrivers();
    const bucket = await createStore(drivers.watch(wrapDriver(referenceDriver(new Map()), way))).open("b");
    runs = 0;
    await expect(bucket.setMany(["a", "b"].map((key) => [key, new Uint8Array()] as const))).rejects.toThrow();
    expect(runs).toBe(1);
    expect(drivers.log.lines.at(-1)).toMatch(/^2\. client 1: fence in b -> throws .*KILL needs a number/);
    expect(drivers.log.errors[0]).toBeInstanceOf(RangeError);
  }
});
