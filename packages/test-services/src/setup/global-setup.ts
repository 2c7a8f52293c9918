import type { TestProject } from "vitest/node";
import type { Service } from "../service.js";
import { startDynamodb, startPostgres, startRedis, startRedisCluster } from "../services.js";

export type ServiceName = "redis" | "redis-cluster" | "postgres" | "dynamodb";

const starters: Readonly<Record<ServiceName, () => Promise<Service>>> = {
  redis: startRedis,
  "redis-cluster": startRedisCluster,
  postgres: startPostgres,
  dynamodb: startDynamodbForTests,
};

const serviceNames = Object.keys(starters) as ServiceName[];

/** Vitest calls this function before a project's first test, and calls the returned function after the last test. */
export type GlobalSetup = (project: TestProject) => Promise<() => Promise<void>>;

/** Returns a setup that starts a server for a project's tests. The tests get its address from `serviceUrl(name)`. */
export function globalSetup(name: ServiceName): GlobalSetup {
  return async (project) => {
    // Vitest runs the setups of a project one after the other. So the first setup starts all servers of the project.
    for (const each of serviceNames) if (asksFor(project, each)) prepare(each);
    const { url } = await acquire(name);
    project.provide(`manykv:${name}`, url);
    return () => releaseOrFail(name);
  };
}

function asksFor(project: TestProject, name: ServiceName): boolean {
  const files: readonly string[] = [project.config.globalSetup].flat();
  return files.some((file) => file.endsWith(`/test-services/dist/setup/${name}.js`));
}

/** Releases a server. Fails the run if the server cannot be stopped: Vitest itself only prints errors of a teardown. */
async function releaseOrFail(name: ServiceName): Promise<void> {
  try {
    await release(name);
  } catch (error) {
    process.exitCode = 1;
    throw error;
  }
}

interface Shared {
  readonly service: Promise<Service>;
  users: number;
}

// All projects of a run share one server of each kind. Vitest may load this module once per project, so the servers are
// a property of `globalThis`.
const registryKey = Symbol.for("@manykv/test-services/shared");

function registry(): Map<ServiceName, Shared> {
  const holder = globalThis as { [registryKey]?: Map<ServiceName, Shared> };
  holder[registryKey] ??= new Map();
  return holder[registryKey];
}

/** Starts the run's server of this kind unless it has already been started. */
function prepare(name: ServiceName): Shared {
  const existing = registry().get(name);
  if (existing) return existing;
  const shared = { service: starters[name](), users: 0 };
  // `acquire` reports a failure. Without this handler, an unhandled rejection could end the process before that.
  shared.service.catch(() => {});
  registry().set(name, shared);
  return shared;
}

function acquire(name: ServiceName): Promise<Service> {
  const shared = prepare(name);
  shared.users++;
  return shared.service;
}

/** Stops the run's server of this kind when its last user releases it. */
async function release(name: ServiceName): Promise<void> {
  const shared = registry().get(name);
  if (!shared || --shared.users > 0) return;
  registry().delete(name);
  await (await shared.service).stop();
}

/**
 * Starts DynamoDB and sets the environment variables for its region and credentials. Clients in the tests read these
 * variables. Does not change variables that are already set.
 */
async function startDynamodbForTests(): Promise<Service> {
  const service = await startDynamodb();
  process.env["AWS_REGION"] ??= service.region;
  if (service.credentials) {
    process.env["AWS_ACCESS_KEY_ID"] ??= service.credentials.accessKeyId;
    process.env["AWS_SECRET_ACCESS_KEY"] ??= service.credentials.secretAccessKey;
  }
  return service;
}
