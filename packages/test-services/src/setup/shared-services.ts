import { startPostgres } from "../postgres.js";
import { startRedis } from "../redis.js";
import { startRedisCluster } from "../redis-cluster.js";
import type { Service } from "../service.js";
import { startDynamodbForTests } from "./aws-environment.js";

/** The services that all tests of a run can share. */
export type ServiceName = "redis" | "redis-cluster" | "postgres" | "dynamodb";

const starters: Readonly<Record<ServiceName, () => Promise<Service>>> = {
  redis: startRedis,
  "redis-cluster": startRedisCluster,
  postgres: startPostgres,
  dynamodb: startDynamodbForTests,
};

interface Shared {
  readonly service: Promise<Service>;
  users: number;
}

/**
 * All projects of a run use one server of each kind. Vitest may load a setup file once for each project, as modules
 * of their own, so what they share hangs on the process.
 */
const REGISTRY = Symbol.for("@manykv/test-services/shared");

function registry(): Map<ServiceName, Shared> {
  const holder = globalThis as { [REGISTRY]?: Map<ServiceName, Shared> };
  holder[REGISTRY] ??= new Map();
  return holder[REGISTRY];
}

/** The run's server of this kind, started for its first user. */
export function acquire(name: ServiceName): Promise<Service> {
  const shared = registry().get(name) ?? { service: starters[name](), users: 0 };
  shared.users++;
  registry().set(name, shared);
  return shared.service;
}

/** Stops the run's server of this kind after its last user. */
export async function release(name: ServiceName): Promise<void> {
  const shared = registry().get(name);
  if (!shared || --shared.users > 0) return;
  registry().delete(name);
  await (await shared.service).stop();
}
