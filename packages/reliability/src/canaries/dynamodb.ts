import { createStore } from "@manykv/core";
import { dynamodbDriver } from "@manykv/dynamodb";
import { startDedicatedDynamodb } from "@manykv/test-services";
import { DynamodbLink, serviceFaultKinds } from "../network/dynamodb-link.js";
import { Link } from "../network/link.js";
import { Random } from "../random.js";
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
  const link = await Link.before({ host, port });
  const capacity = await DynamodbLink.before({ host, port }, new Random(1));
  const at = (address: { host: string; port: number }, table = "canaries") =>
    dynamodbDriver({ table, region, credentials, endpoint: `http://${address.host}:${address.port}` });
  await using store = createStore(at({ host, port }));
  await store.provision();
  const provocations: Provocation[] = [
    { name: "no server", driver: () => at(unreachable) },
    { name: "no such table", driver: () => at({ host, port }, "absent") },
    {
      name: "password in the endpoint",
      driver: () =>
        dynamodbDriver({ table: "canaries", region, endpoint: `http://user:${password}@${host}:${port}` }),
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
        capacity.draw = () => (kind === "unprocessed" ? { kind, probability: 2 } : { kind });
      },
    })),
    ...brokenBy(link, () => at(link.address)),
  ];
  return {
    provocations,
    close: async () => {
      await link[Symbol.asyncDispose]();
      await capacity[Symbol.asyncDispose]();
      await service.stop();
    },
  };
}
