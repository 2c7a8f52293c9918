import {
  answerJson,
  dropHttp,
  type HttpAnswer,
  type HttpHandler,
  resetHttp,
  rewriteAnswer,
} from "@manykv/conformance/faults";

/** Resets the connection before the server receives the request. */
export const resetBefore: HttpHandler = resetHttp("request");

/** Resets the connection after the server has processed the request, so the response is lost. */
export const resetAfter: HttpHandler = resetHttp("answer");

/** Drops the request. The server does not receive it, and the client receives no response. */
export const hang: HttpHandler = dropHttp("request");

/** Drops the response. The server processes the request, but the client receives no response. */
export const hangAfter: HttpHandler = dropHttp("answer");

/** Returns a handler that responds with an error in DynamoDB's format. */
export function fail(status: number, name: string, message = ""): HttpHandler {
  return answerJson(status, { __type: `com.amazonaws.dynamodb.v20120810#${name}`, message });
}

/** Returns a handler that changes the body of a response and removes its checksum unless `keepChecksum` is set. */
export function damage(change: (body: Buffer) => Buffer, { keepChecksum = false } = {}): HttpHandler {
  return rewriteAnswer((answer) => ({
    ...(keepChecksum ? answer : withoutChecksum(answer)),
    body: change(answer.body),
  }));
}

export function withoutChecksum(answer: HttpAnswer): HttpAnswer {
  const { "x-amz-crc32": _, ...headers } = answer.headers;
  return { ...answer, headers };
}

/** Returns a handler that changes members of the table that DescribeTable returns. */
export function withTable(change: object): HttpHandler {
  return damage((body) => {
    const { Table } = JSON.parse(body.toString()) as { Table: object };
    return Buffer.from(JSON.stringify({ Table: { ...Table, ...change } }));
  });
}

/** Returns a handler that answers DescribeTimeToLive. */
export function timeToLive(TimeToLiveStatus: string, AttributeName = "manykv_ttl"): HttpHandler {
  return answerJson(200, { TimeToLiveDescription: { TimeToLiveStatus, AttributeName } });
}

type Requests = Record<string, unknown[] | { Keys: unknown[] }>;

/**
 * Returns a handler that forwards a batch without the keys for which `leave` returns `true`, and reports those keys as
 * unprocessed. It always forwards the first key, because DynamoDB returns an error if it processes no key.
 */
export function leaveUnprocessed(leave: () => boolean): HttpHandler {
  return async (exchange) => {
    const { RequestItems: items } = JSON.parse(exchange.body.toString()) as { RequestItems: Requests };
    const [table, requests] = Object.entries(items)[0] as [string, Requests[string]];
    const all = Array.isArray(requests) ? requests : requests.Keys;
    const left = all.slice(1).filter(leave);
    const done = all.filter((one) => !left.includes(one));
    const with_ = (some: unknown[]) => (Array.isArray(requests) ? some : { ...requests, Keys: some });
    const answer = await exchange.forward(Buffer.from(JSON.stringify({ RequestItems: { [table]: with_(done) } })));
    const body = JSON.parse(answer.body.toString()) as Record<string, Requests>;
    const unprocessed = Array.isArray(requests) ? "UnprocessedItems" : "UnprocessedKeys";
    if (left.length > 0) body[unprocessed] = { ...body[unprocessed], [table]: with_(left) };
    exchange.reply({ ...withoutChecksum(answer), body: Buffer.from(JSON.stringify(body)) });
  };
}
