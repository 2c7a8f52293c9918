import { Random, TcpProxy } from "@manykv/conformance/faults";
import { createStore } from "@manykv/core";
import { dynamodbDriver } from "@manykv/dynamodb";
import { startDedicatedDynamodb } from "@manykv/test-services";
import { serviceFaultKinds, startDynamodbProxy, withFault } from "../network/dynamodb-faults.js";
import { silent } from "../testbeds/silent.js";
import { brokenBy, unreachable } from "./broken.js";
import { type Provocation, password } from "./provocation.js";

const credentials = { accessKeyId: "canary", secretAccessKey: password, sessionToken: password };

export async function dynamodbProvocations(): Promise<{
  provocations: readonly Provocation[];
  close(): Promise<void>;
}> {
  const service = await startDedicatedDynamodb(silent);
  const { host, port, region } = service;
  const proxy = await TcpProxy.start({ host, port });
  const capacity = await startDynamodbProxy({ host, port });
  const random = new Random(1);
  const at = (address: { host: string; port: number }, table = "canaries") =>
    dynamodbDriver({ table, region, credentials, endpoint: `http://${address.host}:${address.port}` });
  await using store = createStore(at({ host, port }));
  await store.provision();
  const provocations: Provocation[] = [
    { name: "no server", driver: () => at(unreachable) },
    { name: "no such table", driver: () => at({ host, port }, "absent") },
    {
      name: "password in the endpoint",
      driver: () => dynamodbDriver({ table: "canaries", region, endpoint: `http://user:${password}@${host}:${port}` }),
    },
    {
      name: "bad endpoint",
      driver: () => dynamodbDriver({ table: "canaries", region, endpoint: `${password}://` }),
    },
    { name: "bad table", driver: () => dynamodbDriver({ table: `${password} ?`, region }) },
    {
      name: "failing credentials",
      driver: () =>
        dynamodbDriver({
          table: "canaries",
          region,
          endpoint: service.url,
          credentials: () => Promise.reject(new Error(password)),
        }),
    },
    ...serviceFaultKinds.map((kind) => ({
      name: `service: ${kind}`,
      driver: () => at(capacity.address),
      before: async () => {
        capacity.handler = withFault(kind === "unprocessed" ? { kind, probability: 1 } : { kind }, random);
      },
    })),
    ...brokenBy(proxy, () => at(proxy.address)),
  ];
  return {
    provocations,
    close: async () => {
      await proxy[Symbol.asyncDispose]();
      await capacity[Symbol.asyncDispose]();
      await service.stop();
    },
  };
}
