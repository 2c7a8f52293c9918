import type { Address } from "@manykv/conformance";
import { type Manner, RespProxy } from "@manykv/test-services";
import { Cluster } from "ioredis";

/** A client that reaches each node of a cluster through a proxy. */
export interface ProxiedCluster extends AsyncDisposable {
  /** In the order of the nodes. */
  readonly proxies: readonly RespProxy[];
  readonly client: Cluster;
}

/** @param mannerOf - returns the manner of the proxy of a node. Default: the proxies change nothing */
export async function startProxiedCluster(
  nodes: readonly Address[],
  mannerOf: (index: number) => Manner | undefined = () => undefined,
): Promise<ProxiedCluster> {
  const proxies = await Promise.all(nodes.map((node, index) => RespProxy.start(node, mannerOf(index))));
  const addresses = proxies.map(({ host, port }) => ({ host, port }));
  const natMap = nodes.map(({ host, port }, index) => [`${host}:${port}`, addresses[index] as Address] as const);
  const client = new Cluster(addresses, { lazyConnect: true, natMap: Object.fromEntries(natMap) });
  client.on("error", () => {});
  return {
    proxies,
    client,
    async [Symbol.asyncDispose]() {
      client.disconnect();
      await Promise.all(proxies.map((proxy) => proxy[Symbol.asyncDispose]()));
    },
  };
}
