import { StoreError } from "@manykv/core";
import type { RedisCredentials } from "./connection/credentials.js";
import type { TlsFiles } from "./tls.js";

/** The address of one server. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** The parts of a Redis URL. */
export interface RedisUrl {
  /** A single server at an address or a Unix socket, a cluster, or the master that sentinels know. */
  readonly topology: "single" | "unix" | "cluster" | "sentinel";
  /** The server, the cluster nodes from which to discover the others, or the sentinels. Empty for a Unix socket. */
  readonly addresses: readonly Address[];
  /** The path of the Unix socket. */
  readonly path?: string;
  /** The name under which the sentinels know the master. */
  readonly service?: string;
  readonly database: number;
  readonly credentials?: RedisCredentials | undefined;
  readonly sentinelCredentials?: RedisCredentials | undefined;
  /** Absent without TLS. */
  readonly tls?: TlsFiles | undefined;
}

const form =
  /^(redis|valkey)(s)?(?:\+(cluster|sentinel|unix))?:\/\/(?:([^/?#]*)@)?([^@/?#]*)(\/[^?#]*)?(\?[^#]*)?(#.*)?$/i;

const tlsParameters = ["tls_ca", "tls_cert", "tls_key", "tls_server_name"] as const;
const sentinelParameters = ["sentinel_username", "sentinel_password"] as const;

/**
 * Parses a URL of one of these forms. `valkey` is an alias of `redis`. `s` stands for TLS.
 *
 * - `redis[s]://USER:PASSWORD@HOST:PORT/DATABASE`
 * - `redis[s]+cluster://USER:PASSWORD@HOST:PORT,HOST:PORT`
 * - `redis[s]+sentinel://USER:PASSWORD@HOST:PORT,HOST:PORT/SERVICE/DATABASE`
 * - `redis+unix://USER:PASSWORD@/PATH?db=DATABASE`
 *
 * @throws {StoreError} `invalid-argument` if the URL is invalid; the message contains no user, password or value
 */
export function parseRedisUrl(url: unknown): RedisUrl {
  const parts = typeof url === "string" ? form.exec(url) : null;
  if (parts === null) {
    throw invalid(
      "is invalid: use redis://HOST:PORT/DATABASE, redis+cluster://HOST:PORT,HOST:PORT, redis+sentinel://HOST:PORT,HOST:PORT/SERVICE or redis+unix:///PATH",
    );
  }
  const [, , secure, suffix, user, hosts = "", path = "", query = "", fragment = ""] = parts;
  const topology = (suffix?.toLowerCase() ?? "single") as RedisUrl["topology"];
  // The text after ? or # may be part of a password, so no message may contain it as the name of a parameter.
  if (`${query}${fragment}`.includes("@"))
    throw invalid("has an @ after a ? or #: in a user or password, write @ as %40, ? as %3F and # as %23");
  if (fragment !== "") throw invalid("has a fragment: write a # in a password as %23");
  if (secure !== undefined && topology === "unix") throw invalid("has TLS: a Unix socket has none, use redis+unix://");
  const parameters = parseParameters(query, topology, secure !== undefined);
  const common = {
    topology,
    credentials: parseCredentials(user),
    ...(secure === undefined ? {} : { tls: tlsFiles(parameters) }),
  };
  switch (topology) {
    case "unix":
      if (hosts !== "") throw invalid("has a host: write three slashes before the path, as in redis+unix:///PATH");
      return { ...common, addresses: [], path: parsePath(path), database: parseDatabase(parameters.get("db") ?? "") };
    case "sentinel": {
      const [service, database] = parseService(path);
      const sentinelCredentials = credentialsOf(
        parameters.get("sentinel_username"),
        parameters.get("sentinel_password"),
      );
      return { ...common, addresses: parseAddresses(hosts, 26_379), service, database, sentinelCredentials };
    }
    case "cluster":
      if (parseDatabase(path.slice(1)) !== 0)
        throw invalid("has a database: remove it, because a cluster has only database 0");
      return { ...common, addresses: parseAddresses(hosts, 6379), database: 0 };
    default: {
      const addresses = parseAddresses(hosts, 6379);
      if (addresses.length > 1)
        throw invalid("has several hosts: use redis+cluster:// for a cluster, or redis+sentinel:// for sentinels");
      return { ...common, addresses, database: parseDatabase(path.slice(1)) };
    }
  }
}

/**
 * Returns the parameters by name. Throws for a parameter that this form of URL does not have, and for a repeated one.
 */
function parseParameters(query: string, topology: RedisUrl["topology"], tls: boolean): ReadonlyMap<string, string> {
  const known = [
    ...(topology === "unix" ? ["db"] : []),
    ...(topology === "sentinel" ? sentinelParameters : []),
    ...(tls ? tlsParameters : []),
  ];
  const parameters = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    if (!known.includes(name)) throw unknownParameter(name, known, tls);
    if (parameters.has(name) || value === "") throw invalid(`must have the parameter "${name}" once and with a value`);
    parameters.set(name, value);
  }
  return parameters;
}

function unknownParameter(name: string, known: readonly string[], tls: boolean): StoreError {
  const quoted = JSON.stringify(name);
  if (!tls && (tlsParameters as readonly string[]).includes(name))
    return invalid(`has the parameter ${quoted}, but no TLS: use rediss:// instead of redis://`);
  const advice = known.length === 0 ? "remove it" : `use ${known.join(", ")}`;
  return invalid(`has an unknown parameter ${quoted}: ${advice}`);
}

function tlsFiles(parameters: ReadonlyMap<string, string>): TlsFiles {
  const [ca, cert, key, servername] = tlsParameters.map((name) => parameters.get(name));
  if ((cert === undefined) !== (key === undefined)) throw invalid("must have both tls_cert and tls_key, or neither");
  return { ca, cert, key, servername };
}

function parseCredentials(text: string | undefined): RedisCredentials | undefined {
  if (text === undefined) return undefined;
  const colon = text.indexOf(":");
  const [username, password] = colon < 0 ? [text, ""] : [text.slice(0, colon), text.slice(colon + 1)];
  return credentialsOf(decode(username, "user"), decode(password, "password"));
}

function credentialsOf(username: string | undefined, password: string | undefined): RedisCredentials | undefined {
  return username || password ? { username: username || undefined, password: password ?? "" } : undefined;
}

function decode(text: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid(`has invalid percent-encoding in the ${what}: write % as %25`);
  }
}

function parseAddresses(hosts: string, defaultPort: number): readonly Address[] {
  return hosts.split(",").map((text) => parseAddress(text, defaultPort));
}

function parseAddress(text: string, defaultPort: number): Address {
  // The zone of a link-local IPv6 address follows a percent sign, which is %25 in a URL.
  const parts = /^(?:\[([\da-f:.]+(?:%25[\w.~-]+)?)\]|([^:[\]]+))(?::(\d{1,5}))?$/i.exec(text);
  const host = parts?.[1] ?? parts?.[2];
  const port = Number(parts?.[3] ?? defaultPort);
  if (host === undefined) throw invalid("has an empty or invalid host: use HOST:PORT");
  if (port < 1 || port > 65_535) throw invalid("has an invalid port: use a number from 1 to 65535");
  return { host: decode(host, "host"), port };
}

function parsePath(path: string): string {
  if (path.length < 2) throw invalid("has no path: use redis+unix:///PATH");
  return decode(path, "path");
}

function parseService(path: string): [service: string, database: number] {
  const [, service = "", database = "", ...rest] = path.split("/");
  if (service === "" || rest.length > 0)
    throw invalid("must name the service that the sentinels monitor: use redis+sentinel://HOST:PORT/SERVICE/DATABASE");
  return [decode(service, "service"), parseDatabase(database)];
}

function parseDatabase(text: string): number {
  if (text === "") return 0;
  if (!/^\d{1,9}$/.test(text)) throw invalid("has an invalid database: use a number such as 0");
  return Number(text);
}

function invalid(what: string): StoreError {
  return new StoreError("invalid-argument", `the Redis URL ${what}`);
}
