import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { dynamodbStore } from "@manykv/dynamodb";
import { randomName, startDynamodb } from "@manykv/test-services";
import { keyvDynamodb } from "../contenders/dynamodb/keyv.js";
import { createTable, placeOf } from "../contenders/dynamodb/place.js";
import { readyRequests } from "../contenders/dynamodb/ready-requests.js";
import { sdk } from "../contenders/dynamodb/sdk.js";
import { manykv } from "../contenders/manykv.js";
import type { Backend } from "./backend.js";

export const dynamodb: Backend = {
  name: "dynamodb",
  mostKeys: 10_000,
  async open() {
    const service = await startDynamodb();
    const place = placeOf(service);
    return {
      server: service.description,
      course: { keysPerSample: 25 },
      tracks: {
        batch: async () => {
          const table = randomName();
          const client = (): DynamoDBClient => new DynamoDBClient(place);
          await createTable(client(), table);
          return [
            await manykv(dynamodbStore({ table: randomName(), ...place })),
            sdk(client(), table, 1, "SDK, one at a time"),
            sdk(client(), table, 16, "SDK, 16 at a time"),
            keyvDynamodb(place, randomName()),
            readyRequests(client(), table, place.endpoint),
          ];
        },
      },
      [Symbol.asyncDispose]: () => service.stop(),
    };
  },
};
