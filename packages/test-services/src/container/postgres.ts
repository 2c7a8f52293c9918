import type { DedicatedPostgres } from "../service.js";

export async function postgresContainer(_options: object): Promise<DedicatedPostgres> {
  throw new Error("a container cannot be started yet: set DOCKER_HOST=unix:///nonexistent");
}
