import { Agent, request } from "node:http";
import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  type DynamoDBClient,
  type WriteRequest,
} from "@aws-sdk/client-dynamodb";
import type { Contender } from "../../measure/contender.js";
import { inChunks, LARGEST_READ, LARGEST_WRITE, together } from "./chunks.js";

/** As many connections as the other contenders have requests in flight. */
const atATime = 16;

/** The floor: requests built and signed beforehand, over connections that are kept. The answers are read and no more. */
export function readyRequests(client: DynamoDBClient, table: string, endpoint: string): Contender {
  const agent = new Agent({ keepAlive: true, maxSockets: atATime });
  const { hostname, port } = new URL(endpoint);
  const send = (ready: readonly ReadyRequest[]): Promise<Buffer[]> =>
    together(ready, atATime, (one) => exchange({ agent, hostname, port }, one));
  const capture = capturing(client);
  const writes = (requests: readonly WriteRequest[]): Promise<ReadyRequest[]> =>
    together(inChunks(requests, LARGEST_WRITE), 1, (chunk) =>
      capture(new BatchWriteItemCommand({ RequestItems: { [table]: [...chunk] } })),
    );
  const named = (key: string): { k: { S: string } } => ({ k: { S: `floor:${key}` } });
  return {
    name: "ready requests",
    kind: "floor",
    async prepare({ keys, values, readKeys }) {
      const puts = await writes(
        keys.map((key, index) => ({
          PutRequest: { Item: { ...named(key), v: { B: values[index] as Uint8Array } } },
        })),
      );
      const deletes = await writes(keys.map((key) => ({ DeleteRequest: { Key: named(key) } })));
      const reads = await together(inChunks(readKeys, LARGEST_READ), 1, (chunk) =>
        capture(
          new BatchGetItemCommand({
            RequestItems: { [table]: { Keys: chunk.map(named), ConsistentRead: true } },
          }),
        ),
      );
      return {
        set: () => send(puts),
        get: async () => {
          const answers = await send(reads);
          return () => {
            const found = valuesIn(answers, table);
            return readKeys.map((key) => found.get(named(key).k.S));
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

/** Lets the SDK build and sign a request, and keeps it from being sent. */
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
    if (last === undefined) throw new Error("the SDK built no request");
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
        else reject(new Error(`DynamoDB answered ${response.statusCode}: ${answer.toString()}`));
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
  const items = answers.flatMap(
    (answer) => (JSON.parse(answer.toString()) as GetAnswer).Responses[table] ?? [],
  );
  return new Map(items.map(({ k, v }) => [k.S, Buffer.from(v.B, "base64")]));
}
