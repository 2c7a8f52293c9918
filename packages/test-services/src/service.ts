import type { NodeAddress } from "./cluster/cluster-options.js";

/** Where a service comes from. */
export type ServiceSource = "environment" | "container" | "process";

/** A server that tests can use. */
export interface Service extends AsyncDisposable {
  readonly source: ServiceSource;
  /** What serves, for people: `local process redis-server 7.0.15 at 127.0.0.1:20123`. No secret in it. */
  readonly description: string;
  readonly host: string;
  readonly port: number;
  /** The address for a client. */
  readonly url: string;
  /** Ends what was started for it and removes its data; leaves a server from the environment alone. */
  stop(): Promise<void>;
}

/** A server that nobody else uses, so that it may be broken. */
export interface Breakable {
  /** SIGKILL of the server and all its workers. Resolves when they are gone. */
  kill(): Promise<void>;
  /** Kills the server if it runs and starts it on the same port with the same data. Resolves when it answers. */
  restart(): Promise<void>;
}

export type RedisService = Service;

export interface RedisClusterService extends Service {
  /** Every node. Which of them are masters changes with a failover: ask the cluster. */
  readonly nodes: readonly NodeAddress[];
}

export type PostgresService = Service;

export interface DynamodbService extends Service {
  readonly region: string;
  /** Undefined where the caller's own AWS configuration is to be used. */
  readonly credentials: { accessKeyId: string; secretAccessKey: string } | undefined;
}

export type DedicatedRedis = RedisService & Breakable;
export type DedicatedRedisCluster = Omit<RedisClusterService, "nodes"> & {
  readonly nodes: readonly (NodeAddress & Breakable)[];
};
export type DedicatedPostgres = PostgresService & Breakable;
export type DedicatedDynamodb = DynamodbService & Breakable;
