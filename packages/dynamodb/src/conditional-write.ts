import { FaultError, type KeysRequest } from "@manykv/core/driver";
import { type Json, partitionKeyOf } from "./answer.js";
import { malformedAnswer, UnmetCondition } from "./error-table.js";
import { bucketPrefix, type Values } from "./layout.js";
import { itemBytes, readItem } from "./read.js";
import type { Transport } from "./transport/transport.js";

/** A write of one item that DynamoDB executes only if a condition is met. */
export interface ConditionalWrite {
  readonly operation: "PutItem" | "UpdateItem" | "DeleteItem";
  /** JSON of the item to put. Default: the operation concerns the item with the key of the request. */
  readonly item?: string;
  readonly update?: string;
  readonly condition: string;
  /** The values in `update` and `condition`, besides `:now`. */
  readonly values?: Values;
  readonly returns?: "UPDATED_NEW";
}

/** The response to a conditional write. It contains no other members. */
export interface ConditionalAnswer {
  readonly Attributes?: Json;
  readonly ConsumedCapacity?: Json;
  readonly ItemCollectionMetrics?: Json;
}

const answerMembers: readonly string[] = [
  "Attributes",
  "ConsumedCapacity",
  "ItemCollectionMetrics",
] satisfies (keyof ConditionalAnswer)[];

/** Sends a conditional write. Returns the response, or the error if the condition was certainly not met. */
export async function writeIf(
  transport: Transport,
  request: KeysRequest,
  { operation, item, update = "", condition, values, returns }: ConditionalWrite,
): Promise<ConditionalAnswer | UnmetCondition> {
  const { layout } = transport;
  const target = item === undefined ? `"Key":${layout.keyJson(partitionKey(request))}` : `"Item":${item}`;
  const members = JSON.stringify({
    ...(update && { UpdateExpression: update }),
    ConditionExpression: condition,
    ExpressionAttributeValues: { ...values, ":now": { N: String(transport.clock.now()) } },
    ReturnValues: returns,
    ReturnValuesOnConditionCheckFailure: "ALL_OLD",
  }).slice(1, -1);
  const content = `${target},${layout.namesJson(update + condition)},${members}`;
  try {
    const message = { operation, content, maxBytes: itemBytes, maxErrorBytes: itemBytes };
    const { json } = await transport.send(message, request);
    const isObject = typeof json === "object" && json !== null && !Array.isArray(json);
    if (!isObject || Object.keys(json).some((name) => !answerMembers.includes(name))) throw malformedAnswer();
    transport.confirmLayout();
    return json;
  } catch (error) {
    // If middleware of the caller repeated the request, its first attempt may have been applied.
    if (error instanceof UnmetCondition && error.fault.effect === "none") return error;
    throw error;
  }
}

/**
 * Returns the item that did not meet a condition, or `undefined` if it does not exist. Reads the item if the error does not
 * contain it: older servers do not send it, and no server sends a missing item.
 */
export async function currentItem(transport: Transport, request: KeysRequest, unmet: UnmetCondition): Promise<Json> {
  const { item } = unmet;
  if (item === undefined) return withoutEffect(readItem(transport, request));
  if (partitionKeyOf(item, transport.layout) !== partitionKey(request)) throw malformedAnswer();
  return item;
}

/** A read after a write without effect has no effect, even if its response is lost. */
async function withoutEffect(read: ReturnType<typeof readItem>): Promise<Json> {
  const { item, isUnprocessed } = await read.catch((error: unknown) => {
    throw FaultError.is(error) ? new FaultError({ ...error.fault, effect: "none" }) : error;
  });
  if (isUnprocessed) throw new FaultError({ code: "throttled", retryable: true, effect: "none" });
  return item;
}

export function partitionKey({ bucket, keys }: KeysRequest): string {
  return bucketPrefix(bucket) + keys[0];
}
