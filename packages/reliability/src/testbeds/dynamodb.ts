import type { Driver } from "@manykv/core/driver";
import { dynamodbDriver } from "@manykv/dynamodb";
import { startDedicatedDynamodb } from "@manykv/test-services";
import { provision } from "./provision.js";
import { silent } from "./silent.js";
import type { Testbed, TestbedOptions } from "./testbed.js";

const table = "manykv";

export async function dynamodbTestbed({ durable = false }: TestbedOptions): Promise<Testbed> {
  const service = await startDedicatedDynamodb({ durable, ...silent });
  const { host, port, region, credentials } = service;
  const testbed: Testbed = {
    name: "dynamodb",
    description: service.description,
    servers: [{ host, port }],
    fenced: false,
    driver(route): Driver {
      const address = route({ host, port });
      const endpoint = `http://${address.host}:${address.port}`;
      return dynamodbDriver({ table, region, endpoint, ...(credentials && { credentials }) });
    },
    kill: () => service.kill(),
    restart: () => service.restart(),
    [Symbol.asyncDispose]: () => service.stop(),
  };
  await provision(testbed);
  return testbed;
}
