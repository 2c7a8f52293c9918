import type { Driver } from "@manykv/core";
import { postgresDriver } from "@manykv/postgres";
import { startDedicatedPostgres } from "@manykv/test-services";
import { provision } from "./provision.js";
import { silent } from "./silent.js";
import type { Testbed, TestbedOptions } from "./testbed.js";

export interface PostgresTestbed extends Testbed {
  /** With the password: for a client of the campaign's own. */
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
    restart: () => service.restart(),
    [Symbol.asyncDispose]: () => service.stop(),
  };
  await provision(testbed);
  return testbed;
}
