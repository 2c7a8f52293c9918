import { runChild } from "@manykv/conformance/child";
import { redisDriver } from "@manykv/redis";

/** `server` is the address to route, or undefined if the client must use the addresses of `url`. */
await runChild(({ url, server }, route) => {
  if (server === undefined) return redisDriver({ url });
  const { host, port } = route(server);
  return redisDriver({ url: `redis://${host}:${port}` });
});
