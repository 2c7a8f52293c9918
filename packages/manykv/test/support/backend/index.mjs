import { memoryStore } from "@manykv/memory";
import { redisStore } from "@manykv/redis";

/** A backend of another author: `fruit+redis://HOST:PORT` and `fruit:memory`. */
export function openStore(url, options) {
  if (url.startsWith("fruit+redis://")) return redisStore({ ...options, url: url.slice("fruit+".length) });
  if (url === "fruit:memory") return memoryStore(options);
  if (url === "fruit:nothing") return undefined;
  throw new Error(`cannot open ${url}`);
}
