import { parseRedisUrl } from "../../src/redis-url.js";

/** Returns the addresses in a Redis URL. */
export function addressesOf(url: string): readonly { readonly host: string; readonly port: number }[] {
  return parseRedisUrl(url).addresses;
}
