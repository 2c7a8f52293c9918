import type { Driver } from "@manykv/core/driver";
import { postgresDriver } from "@manykv/postgres";
import { type DedicatedPostgres, startDedicatedPostgres } from "@manykv/test-services";
import { provision } from "./provision.js";
import { silent } from "./silent.js";
import type { Testbed, TestbedOptions } from "./testbed.js";

export interface PostgresTestbed extends Testbed {
  /** URL with the password, for clients that a campaign opens itself. */
  readonly url: string;
}

export async function postgresTestbed(
  { durable = false }: TestbedOptions,
  settings: Readonly<Record<string, string>> = {},
): Promise<PostgresTestbed> {
  const service = await startDedicatedPostgres({ durable, settings, ...silent });
  const { host, port } = service;
  const testbed: PostgresTestbed = {
    name: "postgres",
    description: service.description,
    servers: [{ host, port }],
    fenced: true,
    url: service.url,
    driver(route): Driver {
      const url = new URL(service.url);
      const address = route({ host, port });
      url.hostname = address.host;
      url.port = `${address.port}`;
      return postgresDriver({ url: url.href });
    },
    kill: () => service.kill(),
    restart: () => restart(service),
    [Symbol.asyncDispose]: () => service.stop(),
  };
  await provision(testbed);
  return testbed;
}

/**
 * Restarts a killed server. Until all processes of the old server have exited, the new one fails to start with
 * "pre-existing shared memory block is still in use". So this function makes up to 20 attempts.
 */
async function restart(service: DedicatedPostgres): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await service.restart();
    } catch (error) {
      if (attempt === 20 || !String(error).includes("shared memory")) throw error;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}
