import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  type DynamoDBClient,
  ScanCommand,
} from "@aws-sdk/client-dynamodb";
import { neverSent } from "../connection-fault.js";
import { DriverError } from "../driver-error.js";
import { untilAborted } from "../until-aborted.js";
import { verifyChecksum } from "./checksum.js";
import { InDoubt, NotSent } from "./effects.js";
import { parseAnswer } from "./json-answer.js";
import type { Operation, Transport } from "./transport.js";

/** What the SDK's handlers pass on, as far as it is used here. */
interface HttpRequest {
  body: unknown;
}
interface HttpResponse {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  body: unknown;
}

const emptyObject: Uint8Array = new TextEncoder().encode("{}");

/**
 * Goes through the caller's own client, with all that the caller has set up there: middleware, retries, timeouts,
 * proxies. Only the bodies pass it by, since the SDK neither verifies an answer's checksum nor tells an answer with
 * parts missing from an empty one.
 */
export class ClientTransport implements Transport {
  readonly #client: DynamoDBClient;
  readonly #table: string;

  constructor(client: DynamoDBClient, table: string) {
    this.#client = client;
    this.#table = table;
  }

  async send(operation: Operation, body: string, signal: AbortSignal): Promise<unknown> {
    const command = emptyCommand(operation, this.#table);
    /** Attempts that left, and those of them that gave no answer that tells what they did. */
    let departures = 0;
    let doubts = 0;
    let answer: unknown;
    command.middlewareStack.add(
      (next) => (args) => {
        (args.request as HttpRequest).body = Buffer.from(body);
        return next(args);
      },
      { name: "manykvRequest", step: "build", priority: "high" },
    );
    command.middlewareStack.add(
      (next) => async (args) => {
        departures++;
        doubts++;
        const result = await next(args).catch((error: unknown) => {
          if (neverSent(error)) {
            departures--;
            doubts--;
          }
          throw error;
        });
        const response = result.response as HttpResponse;
        const bytes = await this.#client.config.streamCollector(response.body);
        verifyChecksum(response.headers, bytes);
        if (response.statusCode === 200) answer = parseAnswer(bytes);
        if (response.statusCode < 500) doubts--;
        response.body = response.statusCode === 200 ? emptyObject : bytes;
        return result;
      },
      { name: "manykvAnswer", step: "deserialize", priority: "low" },
    );
    const sending = this.#client.send(command, { abortSignal: signal });
    try {
      await untilAborted(sending, signal, () => new DriverError("Abandoned"));
    } catch (error) {
      if (doubts > 0) throw new InDoubt(error);
      throw departures > 0 ? error : new NotSent(error);
    }
    return answer;
  }

  close(): void {
    // The client is the caller's.
  }
}

/** The SDK reads the operation and the table from it, and nothing else. */
function emptyCommand(operation: Operation, table: string): BatchGetItemCommand {
  const commands = {
    BatchGetItem: () => new BatchGetItemCommand({ RequestItems: { [table]: { Keys: [] } } }),
    BatchWriteItem: () => new BatchWriteItemCommand({ RequestItems: { [table]: [] } }),
    Scan: () => new ScanCommand({ TableName: table }),
  };
  // Each is a type of its own to the compiler; nothing here depends on which it is.
  return commands[operation]() as BatchGetItemCommand;
}
