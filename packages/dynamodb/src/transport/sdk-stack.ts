import type { DynamoDBClient, ScanCommand } from "@aws-sdk/client-dynamodb";
import type { DriverRequest } from "@manykv/core/driver";
import { refusal } from "../error-table.js";
import { type Departure, requestIdHeader } from "./departure.js";
import { readBody } from "./http-answer.js";

/** `@aws-sdk/client-dynamodb`, loaded when a store first connects. */
export type Sdk = typeof import("@aws-sdk/client-dynamodb");
type Config = DynamoDBClient["config"];
export type HttpRequest = Parameters<Config["requestHandler"]["handle"]>[0];
export type HttpResponse = Awaited<ReturnType<Config["requestHandler"]["handle"]>>["response"];

export interface Connection {
  readonly client: DynamoDBClient;
  readonly sdk: Sdk;
  /** Whether the caller has added no middleware, logger or wrapper. If so, requests may skip the SDK's middleware. */
  readonly isPlain: boolean;
  /** Whether the request handler is the SDK's handler for `node:http`. */
  readonly isNodeHandler: boolean;
}

/** A request to DynamoDB. */
export interface Message {
  readonly operation: "BatchGetItem" | "BatchWriteItem" | "Scan" | "DescribeTable" | "CreateTable";
  readonly table: string;
  /** The operation's input as JSON. */
  readonly body: string;
  readonly request: DriverRequest;
}

interface AuthScheme {
  readonly signer: Config["httpAuthSchemes"][number]["signer"];
  readonly httpAuthOption: ReturnType<Config["httpAuthSchemeProvider"]>[number];
}

/** The destination and the signing scheme that the SDK resolved for a request. */
export interface Resolved {
  readonly target: HttpRequest;
  readonly scheme: AuthScheme;
}

const wrappedClient = "`send` of the `client` made no HTTP request: pass a DynamoDBClient that is not mocked";
const emptyObject: Uint8Array = new TextEncoder().encode("{}");

/**
 * Sends a request through all middleware of the client. Only the bodies bypass the SDK, because it is slow to encode
 * and decode them, does not verify checksums, and treats a missing part of a response like an empty part.
 */
export async function sendThroughStack(
  { client, sdk }: Connection,
  message: Message,
  departure: Departure,
): Promise<{ answer: Uint8Array; resolved: Resolved }> {
  const command = emptyCommand(sdk, message);
  let answer: Uint8Array | undefined;
  let resolved: Resolved | undefined;
  command.middlewareStack.add(
    (next) => (args) => {
      const request = Object.assign(args.request as HttpRequest, { body: message.body });
      request.headers[requestIdHeader] = departure.id;
      return next(args);
    },
    { name: "manykvRequest", step: "build", priority: "high" },
  );
  // Replaces the SDK's retries, because manykv retries.
  const retries = { name: "retryMiddleware", step: "finalizeRequest", priority: "high", override: true } as const;
  command.middlewareStack.add((next) => next, retries);
  command.middlewareStack.add(
    (next, context) => async (args) => {
      const { selectedHttpAuthScheme: scheme } = context["__smithy_context"] as Record<string, AuthScheme>;
      resolved = { target: { ...(args.request as HttpRequest), body: "" }, scheme: scheme as AuthScheme };
      departure.handOver();
      const result = await next(args);
      const response = result.response as HttpResponse;
      const bytes = await readBody(response, client.config.streamCollector);
      departure.answer(response.statusCode);
      if (response.statusCode === 200) answer = bytes;
      response.body = response.statusCode === 200 ? emptyObject : bytes;
      return result;
    },
    { name: "manykvAnswer", step: "deserialize", priority: "low" },
  );
  await client.send(command, { abortSignal: message.request.signal });
  if (answer === undefined || resolved === undefined) throw refusal("invalid-argument", wrappedClient);
  return { answer, resolved };
}

/** Returns a command whose input contains the table but no items. Middleware sees this input. */
function emptyCommand(sdk: Sdk, { operation, table }: Message): ScanCommand {
  const keys = operation === "BatchGetItem" ? { Keys: [] } : [];
  const input = operation.startsWith("Batch") ? { RequestItems: { [table]: keys } } : { TableName: table };
  // In TypeScript, each command has its own type.
  const Command = sdk[`${operation}Command`] as unknown as Sdk["ScanCommand"];
  return new Command(input as { TableName: string });
}
