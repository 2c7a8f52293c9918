import { type Driver, StoreError } from "@manykv/core";
import type { Cluster, Redis, RedisOptions } from "ioredis";
import { ClientNode } from "./connection/client-node.js";
import type { Identity } from "./connection/identity.js";
import { OwnNode } from "./connection/own-node.js";
import { FaultError } from "./fault-error.js";
import { checkClient, checkConnectTimeout, type RedisStoreOptions } from "./redis-options.js";
import { type Address, parseRedisUrl, type RedisUrl } from "./redis-url.js";
import { StandaloneDriver } from "./standalone/standalone-driver.js";

/**
 * The driver of `redisStore`. Sends nothing before its first request.
 *
 * @throws {StoreError} `invalid-argument` for options or a URL that it does not take
 */
export function redisDriver(options: RedisStoreOptions): Driver {
  const { url, client } = options;
  const connectTimeout = checkConnectTimeout(options.connectTimeout);
  if ((url === undefined) === (client === undefined)) {
    throw new StoreError("invalid-argument", "pass either url or client");
  }
  if (client !== undefined) return driverOfClient(checkClient(client), connectTimeout);
  return driverOfUrl(parseRedisUrl(url), connectTimeout);
}

function driverOfUrl(url: RedisUrl, connectTimeout: number): Driver {
  const optionsOf = (address: Address): RedisOptions => ({
    ...address,
    db: url.database,
    ...(url.username === undefined ? {} : { username: url.username }),
    ...(url.password === undefined ? {} : { password: url.password }),
    ...(url.tls ? { tls: {} } : {}),
  });
  return new StandaloneDriver(new OwnNode(optionsOf(url.addresses[0]), connectTimeout, checkStandalone));
}

function driverOfClient(client: Redis | Cluster, connectTimeout: number): Driver {
  return new StandaloneDriver(new ClientNode(client as Redis, connectTimeout, checkStandalone));
}

/** @throws {FaultError} for a server that can't be used by itself */
function checkStandalone({ clustered, role }: Identity): void {
  if (clustered) throw new FaultError({ ...refusal, retryable: false, reason: "a node of a cluster" });
  // A replica's data is behind; it may become the master in a failover that is under way.
  if (role === "other") throw new FaultError({ ...refusal, retryable: true, reason: "READONLY" });
}

const refusal = { code: "unavailable", effect: "none" } as const;
