import type { HttpExchange, HttpHandler } from "@manykv/conformance/faults";
import { withoutChecksum } from "./behaviours.js";

type Json = Record<string, unknown>;

/**
 * Returns a handler that adds the item to the error of a condition that is not met, as DynamoDB does if the request asks
 * for it. dynalite does not know this member.
 */
export function conditionItems(endpoint: string): HttpHandler {
  return async (exchange) => {
    const answer = await exchange.forward();
    const request = JSON.parse(exchange.body.toString()) as Json;
    const error = JSON.parse(answer.body.toString()) as Json;
    const isUnmet = String(error["__type"]).endsWith("#ConditionalCheckFailedException");
    if (!isUnmet || request["ReturnValuesOnConditionCheckFailure"] !== "ALL_OLD") return exchange.reply(answer);
    const body = Buffer.from(JSON.stringify({ ...error, ...(await read(endpoint, exchange, request)) }));
    exchange.reply({ ...withoutChecksum(answer), body });
  };
}

/** Reads the item of a request. Returns an object without an item if it does not exist. */
async function read(endpoint: string, { headers }: HttpExchange, request: Json): Promise<Json> {
  const { k } = (request["Key"] ?? request["Item"]) as Json;
  const answer = await fetch(endpoint, {
    method: "POST",
    headers: {
      "content-type": "application/x-amz-json-1.0",
      "x-amz-target": "DynamoDB_20120810.GetItem",
      "x-amz-date": String(headers["x-amz-date"]),
      authorization: String(headers.authorization),
    },
    body: JSON.stringify({ TableName: request["TableName"], Key: { k }, ConsistentRead: true }),
  });
  return (await answer.json()) as Json;
}
