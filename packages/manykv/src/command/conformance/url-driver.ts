import { createRequire } from "node:module";
import type { Address, Route } from "@manykv/conformance";
import type { Driver } from "@manykv/core/driver";
import type { Cluster } from "ioredis";

/** A URL with servers: the text before them, the servers, and the text after them. */
const form =
  /^(?<start>(?<scheme>[a-z]+)(?:\+(?<topology>[a-z]+))?:\/\/(?:[^@/?#]*@)?)(?<servers>[^/?#]*)(?<path>[^?#]*)(?:\?(?<query>[^#]*))?$/i;

interface Parts {
  readonly start: string;
  readonly scheme: string;
  readonly topology: string | undefined;
  readonly servers: string;
  readonly path: string;
  readonly query: URLSearchParams;
}

/** Splits a URL that `openStore` has accepted. */
function partsOf(url: string): Parts {
  const { start = "", scheme = "", topology, servers = "", path = "", query } = form.exec(url)?.groups ?? {};
  return {
    start,
    scheme: scheme.toLowerCase(),
    topology: topology?.toLowerCase(),
    servers,
    path,
    query: new URLSearchParams(query),
  };
}

/** Returns a name for the backend of a URL, without anything else from the URL. */
export function nameOfUrl(url: string): string {
  const { scheme, topology } = partsOf(url);
  const product = backendOf(scheme);
  return topology === undefined || topology === "unix" ? product : `${product} ${topology}`;
}

/** The servers of a URL, or why the suite cannot put proxies in front of them. */
export type UrlServers = { readonly servers: readonly Address[] } | { readonly reason: string };

export async function serversOfUrl(url: string): Promise<UrlServers> {
  const parts = partsOf(url);
  const { scheme, topology, query } = parts;
  switch (backendOf(scheme)) {
    case "redis":
      if (topology === "unix") return { reason: "the server listens on a Unix socket" };
      if (topology === "sentinel") return { reason: "sentinels announce the address of the server" };
      if (topology === "cluster") return clusterServers(parts);
      return singleRedis(parts);
    case "postgres":
      return postgresServers(parts);
    default: {
      const endpoint = query.get("endpoint") ?? "https:";
      if (!endpoint.startsWith("http://")) return { reason: "the endpoint uses HTTPS" };
      const { hostname, port } = new URL(endpoint);
      return { servers: [{ host: withoutBrackets(hostname), port: Number(port || 80) }] };
    }
  }
}

/** Creates a driver for a URL. Each client connects to the addresses that `route` returns for `servers`. */
export async function driverOfUrl(url: string, servers: readonly Address[], route: Route): Promise<Driver> {
  const parts = partsOf(url);
  const isRouted = servers.some((server) => textOf(server) !== textOf(route(server)));
  switch (backendOf(parts.scheme)) {
    case "redis": {
      const { redisDriver } = await import("@manykv/redis");
      if (!isRouted) return redisDriver({ url });
      if (parts.topology === "cluster") return routedCluster(parts, servers, route);
      if (isTls(parts) && !parts.query.has("tls_server_name"))
        parts.query.set("tls_server_name", servers[0]?.host as string);
      return redisDriver({ url: routedUrl(parts, servers, route) });
    }
    case "postgres": {
      const { postgresDriver } = await import("@manykv/postgres");
      return postgresDriver({ url: isRouted ? routedUrl(parts, servers, route) : url });
    }
    default: {
      const { dynamodbDriver, optionsOfUrl } = await import("@manykv/dynamodb");
      const options = optionsOfUrl(url);
      const [server] = servers;
      if (server === undefined) return dynamodbDriver(options);
      const path = new URL(options.endpoint as string).pathname;
      return dynamodbDriver({ ...options, endpoint: `http://${textOf(route(server))}${path}` });
    }
  }
}

function backendOf(scheme: string): "redis" | "postgres" | "dynamodb" {
  if (/^(redis|valkey)/.test(scheme)) return "redis";
  return scheme.startsWith("postgres") ? "postgres" : "dynamodb";
}

function isTls({ scheme }: Parts): boolean {
  return scheme === "rediss" || scheme === "valkeys";
}

function singleRedis(parts: Parts): UrlServers {
  const servers = readServers(parts.servers, 6379);
  // A certificate names a host. With an IP address, a client that connects to a proxy cannot ask for it.
  if (isTls(parts) && servers.some(({ host }) => /^[\d.]+$|:/.test(host)))
    return { reason: "the server uses TLS and has no host name" };
  return servers.length === 1 ? { servers } : { reason: "the URL contains no host" };
}

function postgresServers({ servers: text, query }: Parts): UrlServers {
  const mode = query.get("sslmode") ?? process.env["PGSSLMODE"] ?? "disable";
  const isVerified = /^(true|1)$/.test(query.get("ssl") ?? "") || query.has("sslrootcert");
  if (isVerified || !["disable", "no-verify"].includes(mode))
    return { reason: "the server uses TLS, and its certificate does not name the proxy" };
  const servers = readServers(text, 5432);
  if (servers.length === 0 || query.has("host")) return { reason: "the URL contains no host before its parameters" };
  return { servers };
}

/** Asks the cluster for its nodes, because it announces their addresses to its clients. */
async function clusterServers(parts: Parts): Promise<UrlServers> {
  if (isTls(parts)) return { reason: "the cluster uses TLS, and its certificates do not name the proxies" };
  const cluster = createCluster(parts, readServers(parts.servers, 6379), undefined);
  try {
    await cluster.connect();
    return {
      servers: cluster
        .nodes("all")
        .map(({ options }) => ({ host: options.host as string, port: options.port as number })),
    };
  } catch {
    return { reason: "ioredis cannot find the nodes of the cluster" };
  } finally {
    cluster.disconnect();
  }
}

/** Creates a driver with a client that maps the addresses that the cluster announces. A URL cannot express that. */
async function routedCluster(parts: Parts, servers: readonly Address[], route: Route): Promise<Driver> {
  const { redisDriver } = await import("@manykv/redis");
  const natMap = Object.fromEntries(servers.map((server) => [textOf(server), { ...route(server) }]));
  const client = createCluster(parts, servers.map(route), natMap);
  // An injected fault may break the first connection. The client then reconnects by itself.
  await client.connect().catch(() => {});
  const driver = redisDriver({ client });
  const close = driver.close.bind(driver);
  driver.close = async () => {
    await close();
    client.disconnect();
  };
  return driver;
}

function createCluster(
  { start }: Parts,
  nodes: readonly Address[],
  natMap: Record<string, Address> | undefined,
): Cluster {
  const requireFromRedis = createRequire(createRequire(import.meta.url).resolve("@manykv/redis"));
  const { Cluster } = requireFromRedis("ioredis") as typeof import("ioredis");
  const [, user = "", password = ""] = /\/\/(?:([^:@]*):?([^@]*)@)?$/.exec(start) ?? [];
  const client = new Cluster([...nodes], {
    lazyConnect: true,
    ...(natMap !== undefined && { natMap }),
    redisOptions: {
      ...(user !== "" && { username: decodeURIComponent(user) }),
      ...(password !== "" && { password: decodeURIComponent(password) }),
    },
  });
  client.on("error", () => {});
  return client;
}

function routedUrl({ start, path, query }: Parts, servers: readonly Address[], route: Route): string {
  const parameters = query.size === 0 ? "" : `?${query}`;
  return `${start}${servers.map((server) => textOf(route(server))).join(",")}${path}${parameters}`;
}

function readServers(text: string, defaultPort: number): readonly Address[] {
  return text.split(",").flatMap((server) => {
    const [, host = "", port] = /^(\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(server) ?? [];
    return host === "" ? [] : [{ host: withoutBrackets(decodeURIComponent(host)), port: Number(port ?? defaultPort) }];
  });
}

function withoutBrackets(host: string): string {
  return host.replace(/^\[(.*)\]$/, "$1");
}

function textOf({ host, port }: Address): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
