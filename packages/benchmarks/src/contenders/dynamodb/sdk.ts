import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  type DynamoDBClient,
  type WriteRequest,
} from "@aws-sdk/client-dynamodb";
import type { Contender } from "../../measure/contender.js";
import { inChunks, LARGEST_READ, LARGEST_WRITE, together } from "./chunks.js";

/** The SDK as people use it: requests of the size that DynamoDB takes, so many of them at a time. */
export function sdk(client: DynamoDBClient, table: string, atATime: number, name: string): Contender {
  const write = (requests: readonly WriteRequest[]): Promise<unknown> =>
    together(inChunks(requests, LARGEST_WRITE), atATime, (chunk) =>
      client.send(new BatchWriteItemCommand({ RequestItems: { [table]: [...chunk] } })),
    );
  return {
    name,
    kind: "client",
    prepare({ keys, values, readKeys }) {
      const named = (key: string): { k: { S: string } } => ({ k: { S: `${name}:${key}` } });
      return {
        set: () =>
          write(
            keys.map((key, index) => ({
              PutRequest: { Item: { ...named(key), v: { B: values[index] as Uint8Array } } },
            })),
          ),
        get: async () => {
          const answers = await together(inChunks(readKeys, LARGEST_READ), atATime, (chunk) =>
            client.send(
              new BatchGetItemCommand({
                RequestItems: { [table]: { Keys: chunk.map(named), ConsistentRead: true } },
              }),
            ),
          );
          const items = answers.flatMap(({ Responses }) => Responses?.[table] ?? []);
          return () => {
            const found = new Map(items.map(({ k, v }) => [k?.S, v?.B]));
            return readKeys.map((key) => found.get(named(key).k.S));
          };
        },
        delete: () => write(keys.map((key) => ({ DeleteRequest: { Key: named(key) } }))),
      };
    },
    close: async () => client.destroy(),
  };
}
