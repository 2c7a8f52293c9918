import { TcpProxy } from "@manykv/conformance/faults";
import type { Driver } from "@manykv/core/driver";
import { redisDriver } from "@manykv/redis";
import { type DedicatedRedis, startDedicatedRedis } from "@manykv/test-services";
import { Redis } from "ioredis";
import { silent } from "../testbeds/silent.js";
import { brokenBy, unreachable } from "./broken.js";
import { type Provocation, password } from "./provocation.js";

export async function redisProvocations(): Promise<{
  provocations: readonly Provocation[];
  close(): Promise<void>;
}> {
  const service = await startDedicatedRedis({ password, ...silent });
  const { host, port } = service;
  const proxy = await TcpProxy.start({ host, port });
  const url = (address: { host: string; port: number }, user = "", secret = password): string =>
    `redis://${user}:${encodeURIComponent(secret)}@${address.host}:${address.port}`;
  const provocations: Provocation[] = [
    { name: "wrong password", driver: () => redisDriver({ url: url({ host, port }, "", `${password}!`) }) },
    { name: "no server", driver: () => redisDriver({ url: url(unreachable) }) },
    { name: "bad URL", driver: () => redisDriver({ url: `redis://:${password}@` }) },
    { name: "unknown parameter", driver: () => redisDriver({ url: `${url({ host, port })}?a=${password}` }) },
    { name: "bad scheme", driver: () => redisDriver({ url: `redas://:${password}@${host}` }) },
    { name: "no such database", driver: () => redisDriver({ url: `${url({ host, port })}/9999` }) },
    { name: "not permitted", driver: () => limitedUser(service, url) },
    {
      name: "out of memory",
      driver: () => redisDriver({ url: url({ host, port }) }),
      ...memoryFull(service),
    },
    { name: "caller's client, closed", driver: () => closedClient(url({ host, port })) },
    {
      name: "cluster URL to a server",
      driver: () => redisDriver({ url: url({ host, port }).replace("redis:", "redis+cluster:") }),
    },
    ...brokenBy(proxy, () => redisDriver({ url: url(proxy.address) })),
  ];
  return {
    provocations,
    close: async () => {
      await proxy[Symbol.asyncDispose]();
      await service.stop();
    },
  };
}

async function limitedUser(
  service: DedicatedRedis,
  url: (address: { host: string; port: number }, user: string) => string,
): Promise<Driver> {
  await asAdministrator(service, (client) =>
    client.call("ACL", "SETUSER", "limited", "on", `>${password}`, "~nothing*", "+@connection"),
  );
  return redisDriver({ url: url(service, "limited") });
}

function memoryFull(service: DedicatedRedis): Pick<Provocation, "before" | "after"> {
  const limit = (bytes: string) => () =>
    asAdministrator(service, (client) => client.config("SET", "maxmemory", bytes)).then(() => {});
  return { before: limit("1"), after: limit("0") };
}

function closedClient(url: string): Driver {
  const client = new Redis(url, { lazyConnect: true });
  client.on("error", () => {});
  client.disconnect();
  return redisDriver({ client });
}

async function asAdministrator<Result>(
  { url }: DedicatedRedis,
  task: (client: Redis) => Promise<Result>,
): Promise<Result> {
  const client = new Redis(url);
  try {
    return await task(client);
  } finally {
    client.disconnect();
  }
}
