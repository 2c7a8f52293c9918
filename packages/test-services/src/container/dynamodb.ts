import type { DedicatedDynamodb } from "../service.js";

export async function dynamodbContainer(_options: object): Promise<DedicatedDynamodb> {
  throw new Error("a container cannot be started yet: set DOCKER_HOST=unix:///nonexistent");
}
