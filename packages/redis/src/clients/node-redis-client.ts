import { StoreError } from "@manykv/core";
import type { RedisOptions } from "ioredis";
import type { ClusterNodes } from "../cluster/cluster-access.js";
import { keyOfAddress } from "../cluster/node-address.js";
import type { CredentialsSource, RedisCredentials } from "../connection/credentials.js";
import { type ConnectionSource, createClient } from "../connection/open-socket.js";
import { type Address, parseRedisUrl } from "../redis-url.js";

/** The part of a client or a cluster client of node-redis 5 or 6 (the npm package `redis`) that the store requires. */
export interface NodeRedisClient {
  readonly isOpen: boolean;
  sendCommand(...args: never[]): unknown;
}

/** The settings of node-redis that the store uses. */
interface Options {
  readonly url?: string;
  readonly socket?: SocketOptions;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly credentialsProvider?: CredentialsProvider;
  readonly database?: number;
  readonly name?: string;
  readonly keyPrefix?: unknown;
}

interface SocketOptions {
  readonly host?: string;
  readonly port?: number;
  readonly path?: string;
  readonly family?: number;
  readonly tls?: boolean;
  readonly keepAlive?: boolean;
  readonly keepAliveInitialDelay?: number;
  readonly noDelay?: boolean;
}

interface ClusterOptions {
  readonly rootNodes: readonly Options[];
  readonly defaults?: Options;
  readonly nodeAddressMap?: Readonly<Record<string, Address>> | ((address: string) => Address | undefined);
  readonly keyPrefix?: unknown;
}

type BasicAuth = Pick<Options, "username" | "password">;

type CredentialsProvider =
  | { readonly type: "async-credentials-provider"; credentials(): Promise<BasicAuth> }
  | {
      readonly type: "streaming-credentials-provider";
      subscribe(listener: object): Promise<[BasicAuth, { dispose(): void }]>;
    };

interface Single extends NodeRedisClient {
  readonly options: Options;
}

interface Clustered extends NodeRedisClient {
  readonly _options: ClusterOptions;
}

/** A client or a cluster client. */
export type ReadableClient = Single | Clustered;

/** Returns whether a value is a client, a cluster client, a pool or a sentinel client of node-redis. */
export function isNodeRedisClient(value: unknown): value is NodeRedisClient {
  if (typeof value !== "object" || value === null) return false;
  const { isOpen, sendCommand, connect } = value as { isOpen?: unknown; sendCommand?: unknown; connect?: unknown };
  return typeof isOpen === "boolean" && typeof sendCommand === "function" && typeof connect === "function";
}

export function isNodeRedisCluster(client: NodeRedisClient | ReadableClient): client is Clustered {
  return Array.isArray((client as Partial<Clustered>)._options?.rootNodes);
}

/** Returns the client. Throws `invalid-argument` and names the setting if the store cannot take over all settings. */
export function readableClient(client: NodeRedisClient): ReadableClient {
  if (isNodeRedisCluster(client)) {
    const { defaults = {}, keyPrefix } = client._options;
    for (const options of [{ keyPrefix }, defaults]) checkSettings(options);
    return client;
  }
  const { options } = client as Partial<Single>;
  if (typeof options !== "object" || options === null) throw unreadable();
  checkSettings(options);
  return client as Single;
}

function unreadable(): StoreError {
  const advice = "pass `url` instead, for sentinels redis+sentinel://HOST:PORT,HOST:PORT/SERVICE";
  return new StoreError(
    "invalid-argument",
    `\`nodeRedis\` hides its settings, as the pools and sentinel clients of node-redis do: ${advice}`,
  );
}

/** Settings of sockets without TLS that ioredis cannot use. */
const socketSettings = ["localAddress", "localPort", "lookup", "hints"];

function checkSettings({ keyPrefix, socket = {} }: Options): void {
  if (keyPrefix) throw refused("a `keyPrefix`", "pass a client without one, because buckets already separate keys");
  if (socket.tls) return;
  const setting = socketSettings.find((name) => name in socket);
  if (setting !== undefined)
    throw refused(`\`socket.${setting}\``, "the store does not support it: pass `url` instead");
}

function refused(what: string, advice: string): StoreError {
  return new StoreError("invalid-argument", `\`nodeRedis\` has ${what}: ${advice}`);
}

/** Returns how to reach the server of a client. Reads the settings for each connection: the program may change them. */
export function sourceOfNodeRedis(client: Single, credentials: CredentialsSource | undefined): ConnectionSource {
  const { database = 0, name } = client.options;
  return {
    createClient: () => createClient(connectionOptions(client.options.socket)),
    credentials: credentials ?? (() => currentCredentials(client.options)),
    database,
    connectionName: name,
  };
}

/** Returns the nodes of a cluster client. Does not connect the client. */
export function nodesOfNodeRedisCluster(client: Clustered, credentials: CredentialsSource | undefined): ClusterNodes {
  const optionsAt = (address: Address): Options => {
    const { defaults = {}, rootNodes } = client._options;
    const root = rootNodes.find((node) => keyOfAddress(addressOf(node)) === keyOfAddress(address));
    const own = root === undefined ? {} : settingsOf(root);
    return { ...defaults, ...own, socket: { ...defaults.socket, ...own.socket, ...address } };
  };
  return {
    seeds: async () => client._options.rootNodes.map(addressOf),
    source: (address) => ({
      createClient: () => createClient(connectionOptions(optionsAt(address).socket)),
      credentials: credentials ?? (() => currentCredentials(optionsAt(address))),
      database: 0,
      connectionName: client._options.defaults?.name,
    }),
    translate: (address) => {
      const map = client._options.nodeAddressMap;
      const key = keyOfAddress(address);
      return (typeof map === "function" ? map(key) : map?.[key]) ?? address;
    },
  };
}

/** Returns the settings of a root node, with those of its URL. */
function settingsOf(node: Options): Options {
  if (node.url === undefined) return node;
  const { addresses, tls, credentials } = parseRedisUrl(node.url);
  return { ...node, ...credentials, socket: { ...node.socket, ...addresses[0], tls: tls !== undefined } };
}

function addressOf(node: Options): Address {
  const { host = "localhost", port = 6379 } = settingsOf(node).socket ?? {};
  return { host, port };
}

function connectionOptions(socket: SocketOptions = {}): RedisOptions {
  const { host = "localhost", port = 6379, path, family, tls, noDelay, keepAlive, keepAliveInitialDelay } = socket;
  return {
    ...(path === undefined ? { host, port } : { path }),
    ...(family !== undefined && { family }),
    ...(noDelay !== undefined && { noDelay }),
    // ioredis takes `undefined` for its default.
    keepAlive: (keepAlive === false ? null : (keepAliveInitialDelay ?? 30_000)) as number,
    // node-redis keeps the options of `tls.connect` next to those of the socket.
    ...(tls && { tls: { ...(socket as object) } }),
  };
}

async function currentCredentials(options: Options): Promise<RedisCredentials | undefined> {
  const { username, password = "" } = await provided(options);
  return username || password ? { username: username || undefined, password } : undefined;
}

async function provided(options: Options): Promise<BasicAuth> {
  const provider = options.credentialsProvider;
  if (provider === undefined) return options;
  if (provider.type === "async-credentials-provider") return provider.credentials();
  const [credentials, subscription] = await provider.subscribe({ onNext: () => {}, onError: () => {} });
  subscription.dispose();
  return credentials;
}
