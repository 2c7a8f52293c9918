import type { RedisService } from "../service.js";
import { withRedis } from "../support/redis-client.js";
import { type Address, badAddress, deadAddress, hostAndPort } from "./address.js";
import { notOurs } from "./not-ours.js";

export async function redisAt(address: Address): Promise<RedisService> {
  const place = hostAndPort(address, ["redis:", "rediss:"], 6379);
  if (!place) throw badAddress(address, "redis://[[user]:password@]host:port[/database]");
  const at = `${place.host}:${place.port}`;
  try {
    await withRedis(address.url, (client) => client.ping());
  } catch (error) {
    throw deadAddress(address, at, error);
  }
  return { ...notOurs(address, at), ...place };
}
