import { redisDriver } from "@manykv/redis";
import { Redis } from "ioredis";

/**
 * Returns a driver that finds the master through sentinels and connects to it through `route`. Only a client can map
 * the address that the sentinels announce.
 *
 * @typedef {{ readonly host: string, readonly port: number }} Address
 * @param {{ sentinels: readonly Address[], master: Address }} addresses
 * @param {(server: Address) => Address} route
 * @returns {import("@manykv/core/driver").Driver}
 */
export function driverThroughSentinels({ sentinels, master }, route) {
  const client = new Redis({
    sentinels: [...sentinels],
    name: "manykv",
    natMap: { [`${master.host}:${master.port}`]: route(master) },
    lazyConnect: true,
  });
  return redisDriver({ client });
}
