import type {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  DynamoDBClient,
  ScanCommand,
} from "@aws-sdk/client-dynamodb";
import { verifyChecksum } from "./checksum.js";
import { neverSent } from "./connection-fault.js";
import { DriverError } from "./driver-error.js";
import { InDoubt } from "./in-doubt.js";
import { untilAborted } from "./until-aborted.js";

type DataCommand = BatchGetItemCommand | BatchWriteItemCommand | ScanCommand;

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
 * Sends one request and gives its answer as plain JSON.
 *
 * The SDK does what concerns the connection: endpoint, credentials, signature, retries where the caller's client has
 * them, errors. The bodies pass it by: it takes more time to turn items into JSON and back than for all the rest of a
 * request, and it neither verifies an answer's checksum nor tells an answer with parts missing from an empty one.
 *
 * @param command Names the operation and its table; the SDK reads these alone.
 * @param body The operation's input as JSON.
 * @throws The SDK's errors, {@link DriverError} and {@link InDoubt}; at once when the signal fires.
 */
export async function exchange(
  client: DynamoDBClient,
  command: DataCommand,
  body: string,
  signal: AbortSignal,
): Promise<unknown> {
  /** Attempts that may have had an effect, and gave no answer that says so. */
  let doubts = 0;
  let answer: unknown;
  // To the compiler each operation is a type of its own; nothing here depends on which it is.
  const operation = command as BatchGetItemCommand;
  operation.middlewareStack.add(
    (next) => (args) => {
      (args.request as HttpRequest).body = Buffer.from(body);
      return next(args);
    },
    { name: "manykvRequest", step: "build", priority: "high" },
  );
  operation.middlewareStack.add(
    (next) => async (args) => {
      doubts++;
      const result = await next(args).catch((error: unknown) => {
        if (neverSent(error)) doubts--;
        throw error;
      });
      const response = result.response as HttpResponse;
      const bytes = await client.config.streamCollector(response.body);
      verifyChecksum(response.headers, bytes);
      if (response.statusCode === 200) answer = parse(bytes);
      if (response.statusCode < 500) doubts--;
      response.body = response.statusCode === 200 ? emptyObject : bytes;
      return result;
    },
    { name: "manykvAnswer", step: "deserialize", priority: "low" },
  );
  try {
    const sending = client.send(operation, { abortSignal: signal });
    await untilAborted(sending, signal, () => new DriverError(doubts > 0 ? "Abandoned" : "AbandonedUnsent"));
  } catch (error) {
    throw doubts > 0 ? new InDoubt(error) : error;
  }
  return answer;
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString());
  } catch {
    throw new DriverError("MalformedAnswer");
  }
}
