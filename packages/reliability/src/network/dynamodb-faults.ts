import {
  type Address,
  answerJson,
  type HttpAnswer,
  type HttpExchange,
  type HttpHandler,
  HttpProxy,
  passThrough,
  type Random,
  resetHttp,
} from "@manykv/conformance/faults";

type Json = Record<string, unknown>;

/** What goes wrong with a request to DynamoDB. */
export type ServiceFault =
  /** The proxy reports each item as unprocessed with this probability. */
  | { readonly kind: "unprocessed"; readonly probability: number }
  | { readonly kind: Exclude<ServiceFaultKind, "unprocessed"> };

export type ServiceFaultKind = (typeof serviceFaultKinds)[number];

export const serviceFaultKinds = [
  "unprocessed",
  "throttle",
  "error-before",
  "error-after",
  "reset-before",
  "reset-after",
] as const;

/** Starts a proxy that recognizes the operations of DynamoDB. */
export function startDynamodbProxy(target: Address): Promise<HttpProxy> {
  return HttpProxy.start(target, (headers) => String(headers["x-amz-target"]).split(".")[1] ?? "");
}

/**
 * Returns a handler that simulates a fault of DynamoDB under load. Emulators do not simulate these faults. Without a
 * fault, the handler forwards each request unchanged.
 */
export function withFault(fault: ServiceFault | undefined, random: Random): HttpHandler {
  switch (fault?.kind) {
    case undefined:
      return passThrough;
    case "unprocessed":
      return async (exchange) => exchange.reply(await leaveOut(exchange, fault.probability, random));
    case "throttle":
      return fail(400, "ProvisionedThroughputExceededException");
    case "error-before":
      return fail(500, "InternalServerError");
    case "error-after":
      return async (exchange) => {
        await exchange.forward();
        return fail(500, "InternalServerError")(exchange);
      };
    case "reset-before":
      return resetHttp("request");
    case "reset-after":
      return resetHttp("answer");
  }
}

function fail(status: number, name: string): HttpHandler {
  return answerJson(status, { __type: `com.amazonaws.dynamodb.v20120810#${name}`, message: "injected" });
}

/** Forwards part of the batch and reports the rest as unprocessed. */
async function leaveOut(exchange: HttpExchange, probability: number, random: Random): Promise<Partial<HttpAnswer>> {
  const sent = JSON.parse(String(exchange.body)) as { RequestItems?: Record<string, unknown> };
  const [table, part] = Object.entries(sent.RequestItems ?? {})[0] ?? [];
  if (table === undefined) return exchange.forward();
  const isRead = exchange.operation === "BatchGetItem";
  const items = (isRead ? (part as { Keys: Json[] }).Keys : part) as Json[];
  const left = items.filter(() => random.chance(probability));
  const rest = items.filter((item) => !left.includes(item));
  const of = (some: Json[]) => ({ [table]: isRead ? { ...(part as Json), Keys: some } : some });
  const forwarded = Buffer.from(JSON.stringify({ ...sent, RequestItems: of(rest) }));
  const done = rest.length === 0 ? undefined : await exchange.forward(forwarded);
  if (done !== undefined && done.status !== 200) return done;
  const answered = done === undefined ? (isRead ? { Responses: { [table]: [] } } : {}) : JSON.parse(String(done.body));
  const unprocessed = left.length === 0 ? {} : of(left);
  const merged = { ...answered, [isRead ? "UnprocessedKeys" : "UnprocessedItems"]: unprocessed };
  // Omit the server's headers: their checksum is for the original response.
  return { status: 200, body: Buffer.from(JSON.stringify(merged)) };
}
