import { StoreError } from "@manykv/core";

/** The address of one server. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** The parts of a Redis URL. */
export interface RedisUrl {
  readonly cluster: boolean;
  readonly tls: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** One server, or the cluster nodes from which to discover the others. */
  readonly addresses: readonly [Address, ...Address[]];
  readonly database: number;
}

const defaultPort = 6379;
const form = /^(redis|rediss)(\+cluster)?:\/\/(?:([^/?#]*)@)?([^@/?#]*)(\/[^?#]*)?(\?[^#]*)?(#.*)?$/i;

/**
 * Parses a `redis://`, `rediss://`, `redis+cluster://` or `rediss+cluster://` URL.
 *
 * @throws {StoreError} `invalid-argument` if the URL is invalid; the message contains no user or password
 */
export function parseRedisUrl(url: unknown): RedisUrl {
  const parts = typeof url === "string" ? form.exec(url) : null;
  if (parts === null) {
    throw invalid("is invalid: use redis://HOST:PORT/DATABASE or redis+cluster://HOST:PORT,HOST:PORT");
  }
  const [, scheme, clustered, credentials, hosts = "", path, query, fragment] = parts;
  const cluster = clustered !== undefined;
  // The text after ? or # may be part of a password, so no message may contain it as the name of a parameter.
  if (`${query}${fragment}`.includes("@"))
    throw invalid("has an @ after a ? or #: in a user or password, write @ as %40, ? as %3F and # as %23");
  refuseParameters(query);
  if (fragment !== undefined) throw invalid("has a fragment: write a # in a password as %23");
  const addresses = hosts.split(",").map(parseAddress);
  if (!cluster && addresses.length > 1) throw invalid("has several hosts: use redis+cluster:// for a cluster");
  return {
    cluster,
    tls: scheme?.toLowerCase() === "rediss",
    ...parseCredentials(credentials),
    addresses: addresses as [Address, ...Address[]],
    database: parseDatabase(path, cluster),
  };
}

function refuseParameters(query: string | undefined): void {
  const [name] = new URLSearchParams(query).keys();
  if (name !== undefined) throw invalid(`has an unknown parameter ${JSON.stringify(name)}: remove it`);
}

function parseCredentials(text: string | undefined): Pick<RedisUrl, "username" | "password"> {
  if (text === undefined) return { username: undefined, password: undefined };
  const colon = text.indexOf(":");
  const [username, password] = colon < 0 ? [text, ""] : [text.slice(0, colon), text.slice(colon + 1)];
  return {
    username: decode(username, "user") || undefined,
    password: decode(password, "password") || undefined,
  };
}

function decode(text: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid(`has invalid percent-encoding in the ${what}: write % as %25`);
  }
}

function parseAddress(text: string): Address {
  const parts = /^(?:\[([\da-f:.]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/i.exec(text);
  const host = parts?.[1] ?? parts?.[2];
  const port = Number(parts?.[3] ?? defaultPort);
  if (host === undefined) throw invalid("has an empty or invalid host: use HOST:PORT");
  if (port < 1 || port > 65_535) throw invalid("has an invalid port: use a number from 1 to 65535");
  return { host: decode(host, "host"), port };
}

function parseDatabase(path: string | undefined, cluster: boolean): number {
  const text = path?.slice(1) ?? "";
  if (text === "") return 0;
  if (!/^\d{1,9}$/.test(text)) throw invalid("has an invalid database: use a number such as 0");
  if (cluster && Number(text) !== 0) throw invalid("has a database: remove it, because a cluster has only database 0");
  return Number(text);
}

function invalid(what: string): StoreError {
  return new StoreError("invalid-argument", `the Redis URL ${what}`);
}
