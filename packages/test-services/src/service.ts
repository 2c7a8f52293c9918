import type { NodeAddress } from "./options.js";

/** Where a service comes from. */
export type ServiceSource = "environment" | "container" | "process";

/** A server that tests can use. */
export interface Service extends AsyncDisposable {
  readonly source: ServiceSource;
  /** Human-readable text, such as `local process redis-server 7.0.15 at 127.0.0.1:10123`. Contains no secret. */
  readonly description: string;
  readonly host: string;
  readonly port: number;
  /** The address for a client. May contain a password. */
  readonly url: string;
  /** Stops the server and removes its data. Leaves a server from the environment running. */
  stop(): Promise<void>;
}

/** A server that only the caller uses, so that tests may break it. */
export interface Breakable {
  /** Sends SIGKILL to the server and all its workers. Resolves when the server's main process has ended. */
  kill(): Promise<void>;
  /**
   * Kills the server if it is running, and starts it again on the same port with the data that it has on disk.
   * Resolves when the server responds.
   */
  restart(): Promise<void>;
}

export type RedisService = Service;

export interface RedisClusterService extends Service {
  /**
   * All masters and replicas or, for a cluster from the environment, the nodes in the address. A failover changes the
   * roles of nodes, so query the cluster for the roles.
   */
  readonly nodes: readonly NodeAddress[];
}

export type PostgresService = Service;

export interface DynamodbService extends Service {
  readonly region: string;
  /** Credentials for clients. Undefined if clients must use the AWS credentials of the environment. */
  readonly credentials: { accessKeyId: string; secretAccessKey: string } | undefined;
}

export type DedicatedRedis = RedisService & Breakable;
export type DedicatedRedisCluster = Omit<RedisClusterService, "nodes"> & {
  readonly nodes: readonly (NodeAddress & Breakable)[];
};
export type DedicatedPostgres = PostgresService & Breakable;
export type DedicatedDynamodb = DynamodbService & Breakable;
