import {
  type DedicatedOptions,
  type Sources,
  type StartOptions,
  startDedicated,
  startShared,
} from "./decide.js";
import { postgresAt } from "./environment/postgres.js";
import type { PostgresOptions } from "./postgres-options.js";
import { postgresProcess } from "./process/postgres.js";
import type { DedicatedPostgres, PostgresService } from "./service.js";

/** Postgres at MANYKV_POSTGRES_URL where that is set, else as `startDedicatedPostgres` starts it. */
export function startPostgres(options: StartOptions = {}): Promise<PostgresService> {
  return startShared(sources({}), options);
}

/** A Postgres that may be broken, in a container or a local process. The user of `url` is a superuser. */
export function startDedicatedPostgres(
  options: PostgresOptions & DedicatedOptions = {},
): Promise<DedicatedPostgres> {
  return startDedicated(sources(options), options);
}

function sources(options: PostgresOptions): Sources<PostgresService, DedicatedPostgres> {
  return {
    name: "postgres",
    variable: "MANYKV_POSTGRES_URL",
    environment: postgresAt,
    container: async () => (await import("./container/postgres.js")).postgresContainer(options),
    process: () => postgresProcess(options),
  };
}
