import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { type Json, parseJson } from "../answer.js";
import { conditionFailed, refusal } from "../error-table.js";
import { type Departure, requestIdHeader } from "./departure.js";
import { parseAnswer, readAnswer, serviceError } from "./http-answer.js";
import { type Answer, bodyOf, changedInput, emptyInput, type Input, type Message, withoutItems } from "./message.js";
import type { ServiceClock } from "./service-clock.js";

/** `@aws-sdk/client-dynamodb`, loaded when a store first connects. */
export type Sdk = typeof import("@aws-sdk/client-dynamodb");
type Config = DynamoDBClient["config"];
export type HttpRequest = Parameters<Config["requestHandler"]["handle"]>[0];
export type HttpResponse = Awaited<ReturnType<Config["requestHandler"]["handle"]>>["response"];

export interface Connection {
  readonly client: DynamoDBClient;
  readonly sdk: Sdk;
  readonly clock: ServiceClock;
  /** Returns whether no middleware, logger or wrapper was added. If so, requests may skip the SDK's middleware. */
  readonly isPlain: () => boolean;
  /** Whether the request handler is the SDK's handler for `node:http`. */
  readonly isNodeHandler: boolean;
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

/**
 * Sends a request through all middleware of the client. Only the items bypass the SDK, because it is slow to encode and
 * decode them, does not verify checksums, and treats a missing part of a response like an empty part.
 *
 * @param onTarget - called with the destination before the request is sent
 */
export async function sendThroughStack(
  { client, sdk, clock }: Connection,
  message: Message,
  table: string,
  departure: Departure,
  onTarget: (target: HttpRequest) => void,
): Promise<Answer & { readonly resolved: Resolved }> {
  const input = emptyInput(message, table);
  const unchanged = JSON.stringify(input);
  // In TypeScript, each command has its own type.
  const Command = sdk[`${message.operation}Command`] as unknown as Sdk["ScanCommand"];
  const command = new Command(input as { TableName: string });
  let sent: Input = { table, extra: "" };
  let answer: { readonly json: Json } | undefined;
  let resolved: Resolved | undefined;
  let error: Error | undefined;
  command.middlewareStack.add(
    (next) => (args) => {
      const request = args.request as HttpRequest;
      const serialized = textOf(request.body);
      if (serialized !== unchanged) sent = changedInput(message, serialized);
      request.body = bodyOf(message, sent);
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
      onTarget(resolved.target);
      departure.handOver();
      const sentAt = Date.now();
      const result = await next(args);
      const response = result.response as HttpResponse;
      clock.observe(sentAt, Date.now(), response.headers["date"]);
      const bytes = await readAnswer(response, client.config.streamCollector, message, departure);
      response.body = bodyForSdk(bytes);
      error = response.statusCode === 200 ? undefined : serviceError(response, bytes);
      if (error?.name === conditionFailed) response.body = bodyForSdk(Buffer.from(withoutItems(parseJson(bytes))));
      // The SDK translates these errors, so that middleware sees them.
      if (response.statusCode >= 300) return result;
      if (error !== undefined) throw error;
      const json = parseAnswer(response, bytes);
      answer = { json };
      response.body = bodyForSdk(Buffer.from(withoutItems(json)));
      return result;
    },
    { name: "manykvAnswer", step: "deserialize", priority: "low" },
  );
  await client.send(command, { abortSignal: departure.signal }).catch((translated?: Error) => {
    // Only the original error contains the item.
    throw translated?.name === conditionFailed && error?.name === conditionFailed ? error : translated;
  });
  if (answer === undefined || resolved === undefined) throw refusal("invalid-argument", wrappedClient);
  return { ...answer, table: sent.table, resolved };
}

/** The SDK accepts only instances of the global `Uint8Array`, which test environments such as jsdom replace. */
function bodyForSdk(bytes: Uint8Array): Uint8Array {
  return bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes);
}

/** Returns the text of a body. The SDK's bodies warn about their own string methods. */
function textOf(body: string | Uint8Array): string {
  return typeof body === "string" ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString();
}
