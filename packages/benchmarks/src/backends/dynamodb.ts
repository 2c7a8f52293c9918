import { DeleteTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { dynamodbStore } from "@manykv/dynamodb";
import { startDynamodb } from "@manykv/test-services";
import { createTable, loginOf, readyRequests, sdk } from "../contenders/dynamodb.js";
import { keyvDynamodb } from "../contenders/libraries.js";
import { manykv, manykvKeyByKey } from "../contenders/manykv.js";
import { type Contender, ContenderSet } from "../measure/contender.js";
import { type Backend, type RunningBackend, ScratchTables, through } from "./backend.js";

export const dynamodb: Backend = {
  name: "dynamodb",
  title: "DynamoDB",
  keysPerSample: 25,
  mostVolumeKeys: 20_000,
  start,
  openStore: ({ table = "manykv", login }, timeout) => dynamodbStore({ table, ...login, timeout }),
};

async function start(): Promise<RunningBackend> {
  const service = await startDynamodb({ print: console.error });
  const login = loginOf(service);
  const newClient = (): DynamoDBClient => new DynamoDBClient({ ...login });
  const maintenance = newClient();
  const scratch = (): ScratchTables =>
    new ScratchTables((TableName) => maintenance.send(new DeleteTableCommand({ TableName })));
  const storeTables = scratch();
  return {
    server: service.description,
    address: service,
    contenders: async (scope) => {
      const tables = scratch();
      const table = tables.next();
      await createTable(maintenance, table);
      const contenders: (Contender | Promise<Contender>)[] = [
        manykv(dynamodbStore({ table: tables.next(), ...login })),
        manykvOnClient(newClient(), tables.next()),
        sdk(newClient(), table, 16),
      ];
      if (scope === "all") {
        contenders.push(
          sdk(newClient(), table, 1),
          keyvDynamodb(login, tables.next()),
          readyRequests(newClient(), table, login.endpoint),
        );
      }
      return ContenderSet.open(contenders, [tables]);
    },
    contendersOver: async (link) => {
      const far = { ...login, endpoint: through(login.endpoint, link) };
      const tables = scratch();
      const table = tables.next();
      return ContenderSet.open(
        [
          manykv(dynamodbStore({ table, ...far })),
          manykvKeyByKey(dynamodbStore({ table, ...far })),
          manykvKeyByKey(dynamodbStore({ table, ...far }), { coalesce: true }),
          sdk(new DynamoDBClient(far), table, 16),
        ],
        [tables],
      );
    },
    storeAddress: () => ({ backend: "dynamodb", url: login.endpoint, table: storeTables.next(), login }),
    [Symbol.asyncDispose]: async () => {
      await storeTables[Symbol.asyncDispose]();
      maintenance.destroy();
      await service.stop();
    },
  };
}

/**
 * Returns a contender that uses manykv with a caller's client. The store does not close such a client, so the contender
 * closes it.
 */
async function manykvOnClient(client: DynamoDBClient, table: string): Promise<Contender> {
  const contender = await manykv(dynamodbStore({ table, client }), "manykv, caller's client");
  return {
    ...contender,
    close: async () => {
      await contender.close();
      client.destroy();
    },
  };
}
