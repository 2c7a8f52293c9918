import { startPostgres } from "../postgres.js";
import { startRedis } from "../redis.js";
import { startRedisCluster } from "../redis-cluster.js";
import type { Service } from "../service.js";
import { startDynamodbForTests } from "./aws-environment.js";

/** The services that all tests of a run can share. */
export const SERVICE_NAMES = ["redis", "redis-cluster", "postgres", "dynamodb"] as const;

export type ServiceName = (typeof SERVICE_NAMES)[number];

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

/** Starts the run's server of this kind for users to come. */
export function prepare(name: ServiceName): void {
  if (registry().has(name)) return;
  const service = starters[name]();
  // Whoever acquires it learns of the failure; until then it must not look like one that nobody handles.
  service.catch(() => {});
  registry().set(name, { service, users: 0 });
}

/** The run's server of this kind, started for its first user. */
export function acquire(name: ServiceName): Promise<Service> {
  prepare(name);
  const shared = registry().get(name) as Shared;
  shared.users++;
  return shared.service;
}

/** Stops the run's server of this kind after its last user. */
export async function release(name: ServiceName): Promise<void> {
  const shared = registry().get(name);
  if (!shared || --shared.users > 0) return;
  registry().delete(name);
  await (await shared.service).stop();
}
