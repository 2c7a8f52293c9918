import { parseRedisUrl } from "../../src/redis-url.js";

interface Address {
  readonly host: string;
  readonly port: number;
}

/** Returns the addresses in a Redis URL. */
export function addressesOf(url: string): readonly Address[] {
  return parseRedisUrl(url).addresses;
}

export function first(addresses: readonly Address[]): Address {
  const [address] = addresses;
  if (address === undefined) throw new Error("the Redis URL contains no server address");
  return address;
}

export function urlOf({ host, port }: Address): string {
  return `redis://${host}:${port}`;
}
