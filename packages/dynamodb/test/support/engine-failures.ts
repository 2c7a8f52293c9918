import type { EngineFailure, ExpectedReport, FailureMarks, Operation } from "@manykv/conformance";
import { type HttpAnswer, type HttpExchange, type HttpHandler, passThrough } from "@manykv/conformance/faults";
import { dynamodbDriver } from "../../src/index.js";
import { resetAfter, withoutChecksum } from "./behaviours.js";
import { startProxy } from "./start-proxy.js";

const batchReads: readonly Operation[] = ["get", "exists", "ttl"];
const batchWrites: readonly Operation[] = ["set", "delete"];
const conditionalWrites: readonly Operation[] = ["setIfAbsent", "increment", "compareAndSwap"];
const scans: readonly Operation[] = ["list", "listBuckets"];
const everything: readonly Operation[] = [...batchReads, ...batchWrites, ...conditionalWrites, ...scans];

type Json = Record<string, unknown>;

/** Ways in which DynamoDB fails. A proxy changes its answers, because no emulator fails in these ways. */
export function engineFailures(table: string, endpoint: string): readonly EngineFailure[] {
  const failure = (
    rest: Omit<EngineFailure, "open">,
    handlerOf: (marks: FailureMarks) => HttpHandler,
  ): EngineFailure => ({
    ...rest,
    async open(marks) {
      const proxy = await startProxy(endpoint);
      const handler = handlerOf(marks);
      const fails = ({ operation, body }: HttpExchange): boolean =>
        operation === "Scan" || body.includes(marks.failing);
      return {
        driver: dynamodbDriver({ table, endpoint: proxy.url }),
        start: () => {
          proxy.handler = (exchange) => (fails(exchange) ? handler : passThrough)(exchange);
        },
        stop: () => {
          proxy.handler = passThrough;
        },
        close: () => proxy[Symbol.asyncDispose](),
      };
    },
  });
  return [
    failure(
      {
        what: "leaves some keys unprocessed",
        operations: [...batchReads, ...batchWrites],
        scope: "key",
        expected: "unprocessed",
      },
      ({ failing }) => leaveUnprocessed(failing),
    ),
    failure(
      {
        what: "answers stale data to reads that are not consistent",
        operations: [...batchReads, ...conditionalWrites, ...scans],
        scope: "key",
        expected: "success",
      },
      staleReads,
    ),
    failure(
      {
        what: "throttles requests",
        operations: everything,
        scope: "request",
        expected: { code: "throttled", retryable: true, effect: "none" },
      },
      () => failInTurn(throttlingNames, 400),
    ),
    failure(
      {
        what: "denies access",
        operations: everything,
        scope: "request",
        expected: { code: "access-denied", retryable: false, effect: "none" },
      },
      () => failInTurn(denyingNames, 400),
    ),
    failure(
      {
        what: "fails after it has processed the request",
        operations: everything,
        scope: "request",
        expected: { code: "unavailable", retryable: true, effect: "unknown" },
      },
      () => {
        const fail = failInTurn(failingNames, (name) => (name.endsWith("ConflictException") ? 400 : 500));
        return async (exchange) => {
          await exchange.forward();
          return fail(exchange);
        };
      },
    ),
    failure(
      {
        what: "does not find the table",
        operations: everything,
        scope: "request",
        expected: { code: "no-such-store", retryable: false, effect: "none", reason: "ResourceNotFoundException" },
      },
      () => failInTurn(["ResourceNotFoundException"], 400),
    ),
    failure(
      {
        what: "changes the table",
        operations: everything,
        scope: "request",
        expected: { code: "unavailable", retryable: true, effect: "none", reason: "ResourceInUseException" },
      },
      () => failInTurn(["ResourceInUseException"], 400),
    ),
    failure(
      {
        what: "finds the request invalid",
        operations: everything,
        scope: "request",
        expected: { code: "internal", retryable: false, effect: "none", reason: "ValidationException" },
      },
      () => failInTurn(["ValidationException"], 400, "One or more parameter values were invalid: "),
    ),
    failure(
      {
        what: "says how long to wait before a retry",
        operations: ["get", "set"],
        scope: "request",
        expected: { code: "throttled", retryable: true, effect: "none", retryAfter: 20 },
      },
      throttleWithHints,
    ),
    failure(
      {
        what: "rejects the request because of its key",
        operations: ["get", "set"],
        scope: "request",
        expected: { code: "invalid-argument", retryable: false, effect: "none" },
      },
      () =>
        failInTurn(
          ["ValidationException", "ValidationError"],
          400,
          "The provided key element does not match the schema ",
        ),
    ),
    failure(
      {
        what: "does not support conditional writes",
        operations: conditionalWrites,
        scope: "request",
        expected: { code: "unsupported", retryable: false, effect: "none" },
      },
      () => failInTurn(["ValidationException"], 400, "write isolation policy is forbid_rmw "),
    ),
    failure(
      {
        what: "does not know the operation",
        operations: ["get", "set"],
        scope: "request",
        expected: { code: "unsupported", retryable: false, effect: "none", reason: "UnknownOperationException" },
      },
      () => failInTurn(["UnknownOperationException"], 400),
    ),
    ...Object.entries(byStatus).map(([what, { statuses, ...expected }]) =>
      failure({ what: `is behind a proxy that ${what}`, operations: ["get", "set"], scope: "request", expected }, () =>
        statusInTurn(statuses),
      ),
    ),
    failure(
      {
        what: "is behind a gateway that reports 502 after the request was processed",
        operations: everything,
        scope: "request",
        expected: { code: "unavailable", retryable: true, effect: "unknown", reason: "HTTP 502" },
      },
      () => async (exchange) => {
        await exchange.forward();
        const headers = { "content-type": "text/html" };
        exchange.reply({ status: 502, headers, body: Buffer.from(`<html>${exchange.body}</html>`) });
      },
    ),
    failure(
      {
        what: "resets the connection after it has processed the request",
        operations: everything,
        scope: "request",
        expected: { code: "connection-lost", retryable: true, effect: "unknown" },
      },
      () => resetAfter,
    ),
    failure(
      {
        what: "repeats an item in its answer",
        operations: batchReads,
        scope: "request",
        expected: { code: "unavailable", retryable: true, effect: "unknown", reason: "MalformedAnswer" },
      },
      () => changeItems((items) => [...items, ...items.slice(0, 1)]),
    ),
    failure(
      {
        what: "answers with an item that was not requested",
        operations: batchReads,
        scope: "request",
        expected: { code: "unavailable", retryable: true, effect: "unknown", reason: "MalformedAnswer" },
      },
      () => changeItems((items) => items.map((item) => ({ ...(item as Json), k: { S: "bucket:other" } }))),
    ),
    failure(
      {
        what: "leaves a key unprocessed that was not sent",
        operations: [...batchReads, ...batchWrites],
        scope: "request",
        expected: { code: "unavailable", retryable: true, effect: "unknown", reason: "MalformedAnswer" },
      },
      () => unprocessedStranger,
    ),
  ];
}

/** What the driver must report for a status without the name of an error. */
const byStatus: Readonly<Record<string, Exclude<ExpectedReport, string> & { readonly statuses: readonly number[] }>> = {
  "limits requests": { statuses: [429], code: "throttled", retryable: true, effect: "none", reason: "HTTP 429" },
  "limits the size of requests": { statuses: [413], code: "too-large", retryable: false, effect: "none" },
  "denies access": { statuses: [401, 403, 407], code: "access-denied", retryable: false, effect: "none" },
  redirects: { statuses: [301, 302, 307], code: "unavailable", retryable: false, effect: "unknown" },
  fails: { statuses: [500, 503, 504, 408], code: "unavailable", retryable: true, effect: "unknown" },
  "reports another status": { statuses: [404, 418], code: "internal", retryable: false, effect: "unknown" },
};

const throttlingNames = [
  "ProvisionedThroughputExceededException",
  "ThrottlingException",
  "RequestLimitExceeded",
  "Throttling",
  "ThrottledException",
  "RequestThrottledException",
  "TooManyRequestsException",
  "LimitExceededException",
  "BandwidthLimitExceeded",
  "SlowDown",
];

const denyingNames = [
  "AccessDeniedException",
  "UnrecognizedClientException",
  "InvalidSignatureException",
  "ExpiredTokenException",
  "MissingAuthenticationTokenException",
  "IncompleteSignatureException",
  "OptInRequired",
];

const failingNames = [
  "InternalServerError",
  "ServiceUnavailable",
  "InternalFailure",
  "RequestTimeout",
  "TransactionConflictException",
  "ReplicatedWriteConflictException",
];

/**
 * Returns a handler that fails with one error name after the other. The operation decides which name is the first one, so
 * that each case always meets the same names and all cases together meet every name. The message contains the request, as a
 * leak.
 */
function failInTurn(names: readonly string[], status: number | ((name: string) => number), message = ""): HttpHandler {
  return inTurn(names, (name, { body }) => {
    const error = {
      __type: `com.amazonaws.dynamodb.v20120810#${name}`,
      message: `${message}${body.toString().replaceAll(/keys?|schema/gi, "")}`,
    };
    return { status: typeof status === "number" ? status : status(name), body: Buffer.from(JSON.stringify(error)) };
  });
}

/** Returns a handler that uses one item after the other. The operation decides which item is the first one. */
function inTurn<Item>(
  items: readonly Item[],
  answer: (item: Item, exchange: HttpExchange) => Partial<HttpAnswer>,
): HttpHandler {
  let turn = 0;
  return (exchange) => {
    const item = items[(exchange.operation.length + turn++) % items.length] as Item;
    exchange.reply(answer(item, exchange));
  };
}

/** Returns a handler that answers with one status after the other, and with the request in HTML, as a leak. */
function statusInTurn(statuses: readonly number[]): HttpHandler {
  const headers = { "content-type": "text/html" };
  return inTurn(statuses, (status, { body }) => ({ status, headers, body: Buffer.from(`<html>${body}</html>`) }));
}

/** Three ways in which the service says that a retry must wait for 20 milliseconds. */
const hints: readonly { readonly headers?: Record<string, string>; readonly members?: object }[] = [
  { headers: { "x-amz-retry-after": "20" } },
  { headers: { "retry-after": "0.02" } },
  { members: { retryAfterSeconds: 0.02 } },
];

function throttleWithHints(): HttpHandler {
  return inTurn(hints, ({ headers = {}, members }) => {
    const error = { __type: "com.amazonaws.dynamodb.v20120810#ThrottlingException", ...members };
    return { status: 400, headers, body: Buffer.from(JSON.stringify(error)) };
  });
}

type Batch = Record<string, unknown[] | { Keys: unknown[] }>;

/** Returns a handler that forwards a batch without the keys that contain `mark`, and reports these as unprocessed. */
function leaveUnprocessed(mark: string): HttpHandler {
  return async (exchange) => {
    const { RequestItems: requested } = JSON.parse(exchange.body.toString()) as { RequestItems: Batch };
    const [[table, requests]] = Object.entries(requested) as [[string, Batch[string]]];
    const isRead = !Array.isArray(requests);
    const all = isRead ? requests.Keys : requests;
    const left = all.filter((one) => JSON.stringify(one).includes(mark));
    const sent = all.filter((one) => !left.includes(one));
    const part = (some: unknown[]): Batch => ({ [table]: isRead ? { ...requests, Keys: some } : some });
    const answer =
      sent.length > 0
        ? await exchange.forward(Buffer.from(JSON.stringify({ RequestItems: part(sent) })))
        : { status: 200, headers: {}, body: Buffer.from(isRead ? '{"Responses":{}}' : "{}") };
    reply(exchange, answer, { [isRead ? "UnprocessedKeys" : "UnprocessedItems"]: part(left) });
  };
}

/** Processes nothing, and reports a key or item as unprocessed that the request does not contain. */
const unprocessedStranger: HttpHandler = async (exchange) => {
  const { RequestItems: requested } = JSON.parse(exchange.body.toString()) as { RequestItems: Batch };
  const [[table, requests]] = Object.entries(requested) as [[string, Batch[string]]];
  const k = { S: "bucket:other" };
  const answer = { status: 200, headers: {}, body: Buffer.from('{"Responses":{}}') };
  if (Array.isArray(requests))
    return reply(exchange, answer, { UnprocessedItems: { [table]: [{ DeleteRequest: { Key: { k } } }] } });
  return reply(exchange, answer, { UnprocessedKeys: { [table]: { ...requests, Keys: [{ k }] } } });
};

/** Returns a handler that changes the items of a BatchGetItem response. */
function changeItems(change: (items: readonly unknown[]) => readonly unknown[]): HttpHandler {
  return async (exchange) => {
    const answer = await exchange.forward();
    const { Responses: found } = JSON.parse(answer.body.toString()) as { Responses: Record<string, unknown[]> };
    const changed = Object.fromEntries(Object.entries(found).map(([table, items]) => [table, change(items)]));
    reply(exchange, answer, { Responses: changed });
  };
}

/** Answers a read that does not ask for consistency as if the keys of the case had never been written. */
function staleReads({ failing, working }: FailureMarks): HttpHandler {
  const isOld = (item: unknown): boolean => !new RegExp(`${failing}|${working}`).test(JSON.stringify(item));
  return async (exchange) => {
    const answer = await exchange.forward();
    if (exchange.body.includes('"ConsistentRead":true')) return exchange.reply(answer);
    const { Responses: found, Items: items } = JSON.parse(answer.body.toString()) as {
      Responses?: Record<string, unknown[]>;
      Items?: unknown[];
    };
    const stale = Object.entries(found ?? {}).map(([table, some]) => [table, some.filter(isOld)]);
    const scanned = items?.filter(isOld);
    return reply(exchange, answer, {
      ...(found && { Responses: Object.fromEntries(stale) }),
      ...(scanned && { Items: scanned, Count: scanned.length }),
    });
  };
}

/** Sends a response with other members. */
function reply(exchange: HttpExchange, answer: HttpAnswer, members: Json): void {
  const body = { ...(JSON.parse(answer.body.toString()) as Json), ...members };
  exchange.reply({ ...withoutChecksum(answer), body: Buffer.from(JSON.stringify(body)) });
}
