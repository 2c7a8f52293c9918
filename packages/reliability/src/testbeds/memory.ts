import { memoryDriver } from "@manykv/memory";
import type { Testbed } from "./testbed.js";

/** A testbed without servers. All clients have the same driver, whose data is deleted when a client is closed. */
export async function memoryTestbed(): Promise<Testbed> {
  const driver = memoryDriver();
  return {
    name: "memory",
    description: "in this process",
    servers: [],
    fenced: true,
    driver: () => driver,
    kill: noServer,
    restart: noServer,
    [Symbol.asyncDispose]: () => driver.close(),
  };
}

async function noServer(): Promise<never> {
  throw new TypeError("memory has no server: run this campaign on `serverNames`");
}
