import { clusterAddresses } from "../cluster/cluster-options.js";
import type { RedisClusterService } from "../service.js";
import { withRedis } from "../support/redis-client.js";
import { type Address, badAddress, deadAddress } from "./address.js";
import { notOurs } from "./not-ours.js";

const FORM = /^(rediss?)\+cluster:\/\/(?:(.*)@)?([^@/?#]+)$/;
const NODE = /^(.+):(\d+)$/;

export async function redisClusterAt(address: Address): Promise<RedisClusterService> {
  const [, scheme, user, list] = FORM.exec(address.url) ?? [];
  const nodes = (list ?? "").split(",").map((each) => NODE.exec(each));
  const places = nodes.flatMap((match) => (match?.[1] ? [{ host: match[1], port: Number(match[2]) }] : []));
  const [first] = places;
  if (!first || places.length !== nodes.length) {
    throw badAddress(address, "redis+cluster://[[user]:password@]host:port,host:port");
  }
  const at = clusterAddresses(places);
  const url = `${scheme}://${user === undefined ? "" : `${user}@`}${first.host}:${first.port}`;
  const state = await withRedis(url, (client) => client.call("CLUSTER", "INFO")).catch((error: unknown) => {
    throw deadAddress(address, at, error);
  });
  if (!String(state).includes("cluster_state:ok")) {
    throw new Error(
      `${address.variable}: the cluster at ${at} is not in the state "ok". Repair it, or unset the variable`,
    );
  }
  return { ...notOurs(address, at), ...first, nodes: places };
}
