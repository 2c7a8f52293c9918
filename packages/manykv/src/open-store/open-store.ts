import { type Store, StoreError, type StoreOptions } from "@manykv/core";
import { openDynamodb } from "./open-dynamodb.js";
import { openMemory } from "./open-memory.js";
import { openPostgres } from "./open-postgres.js";
import { openRedis } from "./open-redis.js";

type OpenBackend = (url: string, options: StoreOptions) => Promise<Store>;

const backendByScheme: ReadonlyMap<string, OpenBackend> = new Map([
  ["memory", openMemory],
  ["redis", openRedis],
  ["rediss", openRedis],
  ["redis+cluster", openRedis],
  ["rediss+cluster", openRedis],
  ["postgres", openPostgres],
  ["postgresql", openPostgres],
  ["dynamodb", openDynamodb],
]);

/**
 * Opens the store that a URL names, and loads the backend's package for it. Nothing is sent: a server that is not
 * there, or a wrong password, shows in the first call.
 *
 * | URL | store |
 * | --- | --- |
 * | `memory:` | a new, empty store in this process |
 * | `redis://user:password@host:port/database`, `rediss://` for TLS | Redis |
 * | `redis+cluster://user:password@host:port,host:port`, `rediss+cluster://` for TLS | Redis Cluster |
 * | `postgres://user:password@host:port/database?table=name`, `postgresql://` | Postgres |
 * | `dynamodb://region/table?endpoint=url` | DynamoDB |
 *
 * A part with special characters, such as a password, is percent-encoded.
 *
 * @throws {StoreError} `invalid-argument` for an unknown scheme or parameter, a URL that lacks a part, and a backend
 * whose package is not installed; the message says which to install, and holds no part of the URL but its scheme
 * and its parameters' names.
 */
export async function openStore(url: string, options: StoreOptions = {}): Promise<Store> {
  const scheme = schemeOf(url);
  refuseStrayCredentials(url);
  const openBackend = backendByScheme.get(scheme);
  if (openBackend !== undefined) return openBackend(url, options);
  throw new StoreError(
    "invalid-argument",
    `openStore: unknown URL scheme "${scheme}:"; use one of ${[...backendByScheme.keys()].map((known) => `${known}:`).join(" ")}`,
  );
}

function schemeOf(url: string): string {
  const scheme = typeof url === "string" ? /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1] : undefined;
  if (scheme !== undefined) return scheme.toLowerCase();
  throw new StoreError(
    "invalid-argument",
    "openStore: the URL must be a string that starts with a scheme, such as redis://localhost:6379",
  );
}

/** The rest of a password with an unencoded `?` would pass for the name of a parameter, which messages show. */
function refuseStrayCredentials(url: string): void {
  if (!/[?#].*@/s.test(url)) return;
  throw new StoreError(
    "invalid-argument",
    "openStore: the URL has an @ after a ? or #; percent-encode the special characters of user, password and parameters: @ is %40, ? is %3F, # is %23",
  );
}
