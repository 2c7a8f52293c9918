import { Agent, request } from "node:http";
import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  CreateTableCommand,
  DeleteItemCommand,
  type DynamoDBClient,
  type DynamoDBClientConfig,
  GetItemCommand,
  PutItemCommand,
  type WriteRequest,
  waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";
import type { DynamodbService } from "@manykv/test-services";
import type { Contender } from "../measure/contender.js";

/** The endpoint of DynamoDB, with region and credentials. */
export interface DynamodbLogin {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials?: NonNullable<DynamoDBClientConfig["credentials"]>;
}

export function loginOf({ url, region, credentials }: DynamodbService): DynamodbLogin {
  return { endpoint: url, region, ...(credentials && { credentials }) };
}

/** Creates a table like manykv's, with the string attribute `k` as the key. */
export async function createTable(client: DynamoDBClient, table: string): Promise<void> {
  await client.send(
    new CreateTableCommand({
      TableName: table,
      BillingMode: "PAY_PER_REQUEST",
      AttributeDefinitions: [{ AttributeName: "k", AttributeType: "S" }],
      KeySchema: [{ AttributeName: "k", KeyType: "HASH" }],
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 60, minDelay: 1 }, { TableName: table });
}

/** Limit of BatchGetItem: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html */
const mostKeysPerGet = 100;
/** Limit of BatchWriteItem: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html */
const mostKeysPerWrite = 25;

/**
 * Returns a contender that uses the SDK. For more than one key, the contender sends batch requests with as many keys as
 * DynamoDB accepts, up to `concurrency` requests at the same time. Closing the contender destroys the client.
 */
export function sdk(client: DynamoDBClient, table: string, concurrency: number): Contender {
  const name = concurrency === 1 ? "SDK, one request at a time" : `SDK, ${concurrency} requests at a time`;
  const write = (requests: readonly WriteRequest[]): Promise<unknown> =>
    runConcurrently(chunksOf(requests, mostKeysPerWrite), concurrency, (chunk) =>
      client.send(new BatchWriteItemCommand({ RequestItems: { [table]: [...chunk] } })),
    );
  const keyOf = (key: string) => ({ k: { S: `${name}:${key}` } });
  return {
    name,
    kind: "client",
    prepare({ keys, values, readKeys }) {
      if (keys.length === 1) {
        const [key, value, readKey] = [keys[0] as string, values[0] as Uint8Array, readKeys[0] as string];
        return {
          set: () => client.send(new PutItemCommand({ TableName: table, Item: { ...keyOf(key), v: { B: value } } })),
          get: async () => {
            const { Item } = await client.send(
              new GetItemCommand({ TableName: table, Key: keyOf(readKey), ConsistentRead: true }),
            );
            return () => [Item?.["v"]?.B];
          },
          delete: () => client.send(new DeleteItemCommand({ TableName: table, Key: keyOf(key) })),
        };
      }
      return {
        set: () =>
          write(
            keys.map((key, index) => ({
              PutRequest: { Item: { ...keyOf(key), v: { B: values[index] as Uint8Array } } },
            })),
          ),
        get: async () => {
          const answers = await runConcurrently(chunksOf(readKeys, mostKeysPerGet), concurrency, (chunk) =>
            client.send(
              new BatchGetItemCommand({
                RequestItems: { [table]: { Keys: chunk.map(keyOf), ConsistentRead: true } },
              }),
            ),
          );
          const items = answers.flatMap(({ Responses }) => Responses?.[table] ?? []);
          return () => {
            const found = new Map(items.map(({ k, v }) => [k?.S, v?.B]));
            return readKeys.map((key) => found.get(keyOf(key).k.S));
          };
        },
        delete: () => write(keys.map((key) => ({ DeleteRequest: { Key: keyOf(key) } }))),
      };
    },
    close: async () => client.destroy(),
  };
}

/** Maximum number of requests in flight: the same number as for the SDK in the acceptance table. */
const floorConcurrency = 16;

/**
 * Returns the floor for DynamoDB, which sends requests that were built and signed in advance, and does not parse the
 * responses while time is measured. Closing the contender destroys the client.
 */
export function readyRequests(client: DynamoDBClient, table: string, endpoint: string): Contender {
  const agent = new Agent({ keepAlive: true, maxSockets: floorConcurrency });
  const { hostname, port } = new URL(endpoint);
  const send = (ready: readonly ReadyRequest[]): Promise<Buffer[]> =>
    runConcurrently(ready, floorConcurrency, (each) => exchange({ agent, hostname, port }, each));
  const capture = capturing(client);
  const writes = (requests: readonly WriteRequest[]): Promise<ReadyRequest[]> =>
    runConcurrently(chunksOf(requests, mostKeysPerWrite), 1, (chunk) =>
      capture(new BatchWriteItemCommand({ RequestItems: { [table]: [...chunk] } })),
    );
  const keyOf = (key: string) => ({ k: { S: `floor:${key}` } });
  return {
    name: "ready requests",
    kind: "floor",
    async prepare({ keys, values, readKeys }) {
      const puts = await writes(
        keys.map((key, index) => ({
          PutRequest: { Item: { ...keyOf(key), v: { B: values[index] as Uint8Array } } },
        })),
      );
      const deletes = await writes(keys.map((key) => ({ DeleteRequest: { Key: keyOf(key) } })));
      const reads = await runConcurrently(chunksOf(readKeys, mostKeysPerGet), 1, (chunk) =>
        capture(
          new BatchGetItemCommand({
            RequestItems: { [table]: { Keys: chunk.map(keyOf), ConsistentRead: true } },
          }),
        ),
      );
      return {
        set: () => send(puts),
        get: async () => {
          const answers = await send(reads);
          return () => {
            const found = valuesIn(answers, table);
            return readKeys.map((key) => found.get(keyOf(key).k.S));
          };
        },
        delete: () => send(deletes),
      };
    },
    close: async () => {
      agent.destroy();
      client.destroy();
    },
  };
}

interface ReadyRequest {
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array | string;
}

class Captured extends Error {}

/** Returns a function that lets the SDK build and sign a request and returns the request instead of sending it. */
function capturing(
  client: DynamoDBClient,
): (command: BatchGetItemCommand | BatchWriteItemCommand) => Promise<ReadyRequest> {
  let last: ReadyRequest | undefined;
  client.middlewareStack.add(
    () => async (args) => {
      last = args.request as ReadyRequest;
      throw new Captured();
    },
    { name: "captureRequest", step: "deserialize", priority: "low" },
  );
  return async (command) => {
    await client.send(command as BatchGetItemCommand).catch((error: unknown) => {
      if (!(error instanceof Captured)) throw error;
    });
    if (last === undefined)
      throw new Error("The SDK built no request for the command. Adapt `capturing` to this version of the SDK.");
    return last;
  };
}

function exchange(
  to: { readonly agent: Agent; readonly hostname: string; readonly port: string },
  { path, headers, body }: ReadyRequest,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const sent = request({ ...to, path, headers, method: "POST" }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const answer = Buffer.concat(chunks);
        if (response.statusCode === 200) resolve(answer);
        else reject(new Error(`DynamoDB responded with ${response.statusCode}: ${answer.toString()}`));
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

interface GetAnswer {
  readonly Responses: Readonly<Record<string, readonly { readonly k: { S: string }; v: { B: string } }[]>>;
}

function valuesIn(answers: readonly Buffer[], table: string): Map<string, Uint8Array> {
  const items = answers.flatMap((answer) => (JSON.parse(answer.toString()) as GetAnswer).Responses[table] ?? []);
  return new Map(items.map(({ k, v }) => [k.S, Buffer.from(v.B, "base64")]));
}

function chunksOf<Item>(items: readonly Item[], most: number): (readonly Item[])[] {
  return Array.from({ length: Math.ceil(items.length / most) }, (_, chunk) =>
    items.slice(chunk * most, (chunk + 1) * most),
  );
}

async function runConcurrently<Item, Result>(
  items: readonly Item[],
  concurrency: number,
  run: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      results[index] = await run(items[index] as Item);
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, worker));
  return results;
}
