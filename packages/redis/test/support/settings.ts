import type { Address, InvalidSetting, Variant } from "@manykv/conformance";
import type { Driver } from "@manykv/core/driver";
import { closing, startUnixRelay } from "@manykv/test-services";
import { Cluster, Redis } from "ioredis";
import { createClient, createCluster } from "redis6";
import { type RedisDriverOptions, redisDriver } from "../../src/index.js";
import { urlOf } from "./addresses.js";
import { FakeSentinel } from "./fake-sentinel.js";

const lazy = { lazyConnect: true };

/** Other clients of a server. */
export function serverVariants(server: Address): readonly Variant[] {
  const url = urlOf(server);
  return [
    { what: "valkey:", driver: () => redisDriver({ url: url.replace("redis:", "VALKEY:") }) },
    { what: "a database in the URL", driver: () => redisDriver({ url: `${url}/0` }) },
    {
      what: "a function that returns a password",
      driver: () => redisDriver({ url, credentials: async () => ({ username: "default", password: "any" }) }),
    },
    {
      what: "a function whose first password has expired",
      driver: () => {
        const expiredLogins = [{ username: "nobody", password: "expired" }];
        return redisDriver({
          url,
          credentials: async () => expiredLogins.pop() ?? { username: "default", password: "any" },
        });
      },
    },
    {
      what: "a Unix socket",
      driver: async () => {
        const relay = await startUnixRelay(server, "redis socket");
        return closing(redisDriver({ url: `redis+unix://${encodeURI(relay.path)}?db=0` }), () =>
          relay[Symbol.asyncDispose](),
        );
      },
    },
    {
      what: "a client of ioredis with a Unix socket",
      driver: async () => {
        const relay = await startUnixRelay(server, "redis.sock");
        return closing(redisDriver({ client: new Redis({ path: relay.path, ...lazy }) }), () =>
          relay[Symbol.asyncDispose](),
        );
      },
    },
    {
      what: "a client of node-redis with a Unix socket",
      driver: async () => {
        const relay = await startUnixRelay(server, "redis.sock");
        const nodeRedis = createClient({ socket: { path: relay.path, tls: false } });
        return closing(redisDriver({ nodeRedis }), () => relay[Symbol.asyncDispose]());
      },
    },
    {
      what: "a user and a password in the URL",
      driver: () => redisDriver({ url: url.replace("//", "//default:any@") }),
    },
    { what: "a sentinel", driver: () => throughSentinels(server, "main/0") },
    { what: "sentinels of which one does not reply", driver: () => throughSentinels(server, "main", true) },
    {
      what: "a client of ioredis with a sentinel",
      driver: async () => {
        const sentinel = await FakeSentinel.start({ ...server, epoch: 1 });
        const [host = "", port] = sentinel.address.split(":");
        const client = new Redis({ sentinels: [{ host, port: Number(port) }], name: "main", ...lazy });
        return closing(redisDriver({ client }), () => sentinel[Symbol.asyncDispose]());
      },
    },
    { what: "a connectTimeout", driver: () => redisDriver({ url, connectTimeout: 10_000 }) },
    { what: "a client of ioredis", driver: () => redisDriver({ client: new Redis({ ...server, ...lazy }) }) },
    {
      what: "a client of ioredis with a name",
      driver: () => redisDriver({ client: new Redis(url, { ...lazy, connectionName: "mine", noDelay: false }) }),
    },
    {
      what: "a client of node-redis",
      driver: () => redisDriver({ nodeRedis: createClient({ socket: { ...server }, name: "mine" }) }),
    },
    { what: "a client of node-redis with a URL", driver: () => redisDriver({ nodeRedis: createClient({ url }) }) },
  ];
}

/** Returns a client that finds the server through sentinels. */
export async function throughSentinels(server: Address, path: string, isFirstSilent = false): Promise<Driver> {
  const master = { ...server, epoch: 1 };
  const sentinels = [await FakeSentinel.start(master), await FakeSentinel.start(master)];
  const [first] = sentinels;
  if (first !== undefined) first.silent = isFirstSilent;
  const url = `redis+sentinel://${sentinels.map(({ address }) => address).join(",")}/${path}`;
  return closing(redisDriver({ url, connectTimeout: 500 }), async () => {
    for (const sentinel of sentinels) await sentinel[Symbol.asyncDispose]();
  });
}

/** Other clients of a cluster. */
export function clusterVariants(nodes: readonly Address[]): readonly Variant[] {
  const [first] = nodes as readonly [Address];
  const rootNodes = nodes.map((node) => ({ socket: { ...node } }));
  return [
    {
      what: "valkey+cluster:",
      driver: () => redisDriver({ url: urlOf(first).replace("redis:", "valkey+cluster:") }),
    },
    { what: "a Cluster of ioredis", driver: () => redisDriver({ client: new Cluster([{ ...first }], lazy) }) },
    { what: "a cluster of node-redis", driver: () => redisDriver({ nodeRedis: createCluster({ rootNodes }) }) },
    {
      what: "a cluster of node-redis whose first node does not answer",
      driver: () =>
        redisDriver({
          nodeRedis: createCluster({
            rootNodes: [{ socket: { host: "127.0.0.1", port: 1 } }, ...rootNodes],
            defaults: { name: "mine" },
          }),
        }),
    },
  ];
}

const wrongUrls: Readonly<Record<string, (password: string) => string>> = {
  "another scheme": (password) => `http://:${password}@host`,
  "no host": () => "redis:///0",
  "a port that is not a number": (password) => `redis://:${password}@host:port`,
  "port 0": (password) => `redis://:${password}@host:0`,
  "port 65536": (password) => `redis://:${password}@host:65536`,
  "several hosts without a cluster": (password) => `redis://:${password}@a,b`,
  "an empty host of a cluster": (password) => `redis+cluster://:${password}@a,`,
  "a database that is not a number": (password) => `redis://:${password}@host/one`,
  "two databases": (password) => `redis://:${password}@host/1/2`,
  "a database of a cluster": (password) => `redis+cluster://:${password}@host/1`,
  "an unknown parameter": (password) => `redis://:${password}@host?tiemout=1`,
  "a parameter of TLS without TLS": (password) => `redis://:${password}@host?tls_ca=ca.pem`,
  "a misspelled parameter of TLS": (password) => `rediss://:${password}@host?tls_caa=ca.pem`,
  "a certificate without a key": (password) => `rediss://:${password}@host?tls_cert=cert.pem`,
  "a file that does not exist": (password) => `rediss://:${password}@host?tls_ca=/no/such/file.pem`,
  "a # in the password": (password) => `redis://:${password}#@host`,
  "a ? in the password": (password) => `redis://user:1?${password}@host`,
  "invalid percent-encoding": (password) => `redis://:${password}%zz@host`,
  "a Unix socket without a path": () => "redis+unix:///",
  "a Unix socket with a host": (password) => `redis+unix://:${password}@localhost/path`,
  "a Unix socket with TLS": () => "rediss+unix:///path",
  "an unknown parameter of a Unix socket": () => "redis+unix:///path?database=1",
  "a database of a Unix socket that is not a number": () => "redis+unix:///path?db=one",
  "sentinels without a service": (password) => `redis+sentinel://:${password}@host`,
  "sentinels with a database that is not a number": (password) => `redis+sentinel://:${password}@host/main/one`,
  "a parameter that is repeated": (password) =>
    `redis+sentinel://host/main?sentinel_password=${password}&sentinel_password=${password}`,
  "a parameter without a value": () => "redis+sentinel://host/main?sentinel_password=",
  "a password of sentinels without sentinels": (password) => `redis://host?sentinel_password=${password}`,
};

const url = "redis://localhost";

const wrongOptions: Readonly<Record<string, (password: string) => unknown>> = {
  "no options": () => undefined,
  "no server": () => ({}),
  "two servers": (password) => ({ url, client: new Redis({ ...lazy, password }) }),
  "a URL object": (password) => ({ url: new URL(`redis://:${password}@localhost`) }),
  "an unknown option": (password) => ({ url, pasword: password }),
  "a connectTimeout of 0": () => ({ url, connectTimeout: 0 }),
  "a password instead of a function": (password) => ({ url, credentials: { password } }),
  "a password of sentinels instead of a function": (password) => ({ url, sentinelCredentials: password }),
  "a function for sentinels without sentinels": () => ({ url, sentinelCredentials: async () => ({}) }),
  "TLS options without TLS": () => ({ url, tls: {} }),
  "an unknown TLS option": () => ({ url: "rediss://localhost", tls: { canarry: 1 } }),
  "TLS options that are not an object": () => ({ url: "rediss://localhost", tls: true }),
  "TLS options with a client": () => ({ client: new Redis(lazy), tls: {} }),
  "an object that is not a client": (password) => ({ client: { password } }),
  "a URL as a client": (password) => ({ client: `redis://:${password}@localhost` }),
  "a pipeline": (password) => ({ client: new Redis({ ...lazy, password }).pipeline() }),
  "a node-redis client as a client of ioredis": (password) => ({ client: createClient({ password }) }),
  "an ioredis client as a client of node-redis": (password) => ({ nodeRedis: new Redis({ ...lazy, password }) }),
  "a key prefix of ioredis": (password) => ({ client: new Redis({ ...lazy, password, keyPrefix: "prefix" }) }),
  "a key prefix of a Cluster": (password) => ({
    client: new Cluster([{ host: "localhost" }], { ...lazy, keyPrefix: "prefix", redisOptions: { password } }),
  }),
  "replicas of sentinels": (password) => ({
    client: new Redis({ ...lazy, password, sentinels: [{ host: "localhost" }], name: "main", role: "slave" }),
  }),
  "a key prefix of node-redis": (password) => ({ nodeRedis: createClient({ password, keyPrefix: "prefix" }) }),
  "a local address of node-redis": (password) => ({
    nodeRedis: createClient({ password, socket: { host: "localhost", localAddress: "127.0.0.1" } }),
  }),
};

/** Settings that redisDriver refuses, with a password in many of them. */
export const invalidSettings: readonly InvalidSetting[] = [
  ...Object.entries(wrongUrls).map(([what, urlWith]) => {
    return { what: `a URL with ${what}`, driver: (secret: string) => redisDriver({ url: urlWith(secret) }) };
  }),
  ...Object.entries(wrongOptions).map(([what, optionsWith]) => {
    return { what, driver: (secret: string) => redisDriver(optionsWith(secret) as RedisDriverOptions) };
  }),
];
