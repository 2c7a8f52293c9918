import type { Service } from "../service.js";
import type { Address } from "./address.js";

/** What all services from the environment share: stopping leaves them as they are. */
export function notOurs(address: Address, at: string): Omit<Service, "host" | "port"> {
  return {
    source: "environment",
    description: `${address.variable} at ${at}`,
    url: address.url,
    stop: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
}
