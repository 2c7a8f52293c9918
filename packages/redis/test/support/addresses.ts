import { parseRedisUrl } from "../../src/redis-url.js";

/** The addresses in a URL of Redis. */
export function addressesOf(url: string): readonly { readonly host: string; readonly port: number }[] {
  return parseRedisUrl(url).addresses;
}
