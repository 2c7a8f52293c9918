/** Options of `startDedicatedRedis`. */
export interface RedisOptions {
  /** Additional arguments for `redis-server`, such as `["--maxmemory", "50mb"]`. Default: none. */
  args?: readonly string[];
  /** Whether every write is on disk before Redis acknowledges it. `kill()` then loses no such write. Default: false. */
  durable?: boolean;
  /** Password of the default user. `url` contains it. Default: none. */
  password?: string;
}

/** Returns the arguments for a `redis-server` in a container or a local process. */
export function redisArguments(options: RedisOptions): string[] {
  const { args = [], durable = false, password } = options;
  return [
    ...["--save", "", "--loglevel", "notice"],
    ...(durable ? ["--appendonly", "yes", "--appendfsync", "always"] : ["--appendonly", "no"]),
    ...(password === undefined ? [] : ["--requirepass", password, "--masterauth", password]),
    ...args,
  ];
}

export function redisUrl(host: string, port: number, password?: string): string {
  const user = password === undefined ? "" : `:${encodeURIComponent(password)}@`;
  return `redis://${user}${host}:${port}`;
}

/** Options of `startDedicatedRedisCluster`, which starts three masters with one replica each. */
export interface RedisClusterOptions {
  /** Additional arguments for each `redis-server`. Default: none. */
  args?: readonly string[];
  /** Whether every write is on its node's disk before Redis acknowledges it. Default: false. */
  durable?: boolean;
  /**
   * Time without a response after which a node counts as failed and its replica takes over, in ms. Default: 15,000, as in
   * Redis, so that no replica takes over from a node that only waits for a processor.
   */
  nodeTimeout?: number;
}

export const clusterSize = 6;

/** Returns the arguments for each `redis-server` of a cluster. */
export function clusterArguments(options: RedisClusterOptions): string[] {
  return [
    ...["--cluster-enabled", "yes"],
    ...["--cluster-node-timeout", `${options.nodeTimeout ?? 15_000}`],
    // By default, a master waits for more replicas before it synchronizes the first replica. CLUSTER SLOTS omits a
    // replica until its master has sent data to this replica.
    ...["--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"],
    ...redisArguments(options),
  ];
}

export interface NodeAddress {
  readonly host: string;
  readonly port: number;
}

/** Returns the addresses of the nodes in the form `host:port,host:port`. */
export function clusterAddresses(nodes: readonly NodeAddress[]): string {
  return nodes.map(({ host, port }) => `${host}:${port}`).join(",");
}

export function clusterUrl(nodes: readonly NodeAddress[]): string {
  return `redis+cluster://${clusterAddresses(nodes)}`;
}

/** Options of `startDedicatedPostgres`. */
export interface PostgresOptions {
  /** Server settings, such as `{ statement_timeout: "500ms" }`. Default: none. */
  settings?: Readonly<Record<string, string>>;
  /**
   * Whether every commit is flushed to disk. Default: false, which is faster. In both cases, `kill()` loses no commit,
   * because the operating system keeps running.
   */
  durable?: boolean;
  /**
   * Whether the server starts in recovery, like a standby, but without a primary: it accepts only reads, until the test
   * calls the function `pg_promote()`. The only database is `postgres`. Only for a local process. Default: false.
   */
  standby?: boolean;
}

export const postgresUser = "manykv";
export const postgresDatabase = "manykv";

/** Returns the default settings and the settings in `options` as arguments for `postgres`. */
export function postgresArguments(options: PostgresOptions): string[] {
  const settings = {
    // Every project of a run has its own connection pools on the shared server.
    max_connections: "200",
    ...(options.durable ? {} : { fsync: "off", full_page_writes: "off" }),
    ...options.settings,
  };
  return Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}

export function postgresUrl(host: string, port: number, password: string, database: string = postgresDatabase): string {
  return `postgres://${postgresUser}:${password}@${host}:${port}/${database}`;
}

/** Options of `startDedicatedDynamodb`. */
export interface DynamodbOptions {
  /** Whether tables are on disk, so that they survive `kill()`. Default: false. */
  durable?: boolean;
}

export const emulatorRegion = "us-east-1";

/** Credentials for an emulator, which requires credentials but accepts any value. */
export const emulatorCredentials: { readonly accessKeyId: string; readonly secretAccessKey: string } = {
  accessKeyId: "manykv",
  secretAccessKey: "manykv",
};
