import { DeleteTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { dynamodbStore } from "@manykv/dynamodb";
import { startDynamodb } from "@manykv/test-services";
import { keyvDynamodb } from "../contenders/dynamodb/keyv.js";
import { createTable, placeOf } from "../contenders/dynamodb/place.js";
import { readyRequests } from "../contenders/dynamodb/ready-requests.js";
import { sdk } from "../contenders/dynamodb/sdk.js";
import { manykv } from "../contenders/manykv.js";
import { manykvCoalesced, manykvSingle } from "../contenders/manykv-single.js";
import { openLink } from "../distance/link.js";
import type { Arena, Backend } from "./backend.js";
import { field } from "./field.js";
import { ScratchTables } from "./scratch-tables.js";
import { through } from "./through.js";

export const dynamodb: Backend = {
  name: "dynamodb",
  mostKeys: 10_000,
  mostVolumeKeys: 20_000,
  open,
  openStore: ({ table = "manykv", login }, timeout) => dynamodbStore({ table, ...login, timeout }),
};

async function open(): Promise<Arena> {
  const service = await startDynamodb();
  const place = placeOf(service);
  const client = (): DynamoDBClient => new DynamoDBClient(place);
  const maintenance = client();
  const scratch = (): ScratchTables =>
    new ScratchTables((TableName) => maintenance.send(new DeleteTableCommand({ TableName })));
  const volumes = scratch();
  return {
    server: service.description,
    course: { keysPerSample: 25 },
    batch: async () => {
      const tables = scratch();
      const table = tables.next();
      await createTable(maintenance, table);
      return field(
        [
          await manykv(dynamodbStore({ table: tables.next(), ...place })),
          sdk(client(), table, 1, "SDK, one at a time"),
          sdk(client(), table, 16, "SDK, 16 at a time"),
          keyvDynamodb(place, tables.next()),
          readyRequests(client(), table, place.endpoint),
        ],
        { tables },
      );
    },
    distance: async (delay) => {
      const link = await openLink(service.host, service.port, delay);
      const far = { ...place, endpoint: through(place.endpoint, link) };
      const tables = scratch();
      const table = tables.next();
      return field(
        [
          await manykv(dynamodbStore({ table, ...far })),
          await manykvSingle(dynamodbStore({ table, ...far })),
          await manykvCoalesced(dynamodbStore({ table, ...far })),
          sdk(new DynamoDBClient(far), table, 16, "SDK, 16 at a time"),
        ],
        { link, tables },
      );
    },
    volume: async () => ({ backend: "dynamodb", url: place.endpoint, table: volumes.next(), login: place }),
    [Symbol.asyncDispose]: async () => {
      await volumes[Symbol.asyncDispose]();
      maintenance.destroy();
      await service.stop();
    },
  };
}
