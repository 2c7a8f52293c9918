import { freePort } from "../process/free-port.js";
import { type RedisOptions, redisArguments, redisUrl } from "../redis-options.js";
import type { DedicatedRedis } from "../service.js";
import { redisAnswers } from "../support/redis-client.js";
import { IMAGES } from "./images.js";
import { guarded } from "./start-container.js";
import { startServer } from "./start-server.js";

/** Redis in a container. */
export function redisContainer(options: RedisOptions): Promise<DedicatedRedis> {
  return guarded(async (guard) => {
    const port = await freePort();
    const server = await startServer(
      guard,
      {
        image: IMAGES.redis,
        command: ["redis-server", ...redisArguments(options)],
        ports: [{ container: 6379, host: port }],
      },
      (host) => redisAnswers(redisUrl(host, port, options.password)),
    );
    return { ...server, url: redisUrl(server.host, port, options.password) };
  });
}
