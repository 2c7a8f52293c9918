import type { ItemFault, KeysRequest, ReadAnswer } from "@manykv/core/driver";
import {
  arrayOf,
  attribute,
  decodeValue,
  type Json,
  property,
  RequestedKeys,
  tablePart,
  unprocessedIn,
} from "./answer.js";
import { malformedAnswer, refusal } from "./error-table.js";
import { bucketPrefix } from "./layout.js";
import { dynamodbLimits } from "./limits.js";
import type { Transport } from "./transport/transport.js";

type Value = Uint8Array<ArrayBuffer> | undefined;

const foreignItem = "the item has no binary value, so manykv did not write it";

/** Maximum size of an item's key and names in a response, in bytes: JSON may encode a byte as 6 bytes. */
const keyBytes = 20_000;
/** Maximum size of an item in a response, in bytes: base64 encodes 3 bytes of a value as 4 bytes. */
const itemBytes: number = keyBytes + (dynamodbLimits.maxValueBytes * 4) / 3;
/** Maximum size of all items of a response, in bytes: 16 MB of items as base64, and their keys. */
const itemsBytes = 24_000_000;

/** Reads values with BatchGetItem. */
export async function get(transport: Transport, request: KeysRequest): Promise<ReadAnswer<Value>> {
  const { layout } = transport;
  const maxBytes = Math.min(request.keys.length * itemBytes, itemsBytes);
  const { items, unprocessed } = await batchGet(transport, request, layout.selectItems, maxBytes);
  const values = new Array<Value>(request.keys.length).fill(undefined);
  const faults: ItemFault[] = [];
  for (const [index, item] of items) {
    const base64 = attribute(item, layout.valueAttribute, "B");
    if (base64 !== undefined) values[index] = decodeValue(base64);
    else faults.push({ index, ...refusal("internal", foreignItem).fault });
  }
  return { values, faults, unprocessed };
}

/** Checks with BatchGetItem whether keys exist. Costs as much as `get`, but does not transfer values. */
export async function exists(transport: Transport, request: KeysRequest): Promise<ReadAnswer<boolean>> {
  const { selectKeys } = transport.layout;
  const { items, unprocessed } = await batchGet(transport, request, selectKeys, request.keys.length * keyBytes);
  const values = new Array<boolean>(request.keys.length).fill(false);
  for (const [index] of items) values[index] = true;
  return { values, unprocessed };
}

/** Sends BatchGetItem even for one key. From GetItem, `{}` could mean a missing item or a damaged response. */
async function batchGet(
  transport: Transport,
  request: KeysRequest,
  select: string,
  maxBytes: number,
): Promise<{ items: (readonly [index: number, item: Json])[]; unprocessed: number[] }> {
  const { layout } = transport;
  const prefix = bucketPrefix(request.bucket);
  const keys = request.keys.map((key) => layout.keyJson(prefix + key)).join();
  const content = `{"ConsistentRead":true,${select},"Keys":[${keys}]}`;
  const message = { operation: "BatchGetItem", content, maxBytes, keyCount: request.keys.length } as const;
  const { json, table } = await transport.send(message, request);
  const found = tablePart(property(json, "Responses"), table);
  const left = tablePart(property(json, "UnprocessedKeys"), table);
  const requested = new RequestedKeys(layout, prefix, request.keys);
  const take = (item: Json): number => requested.take(item);
  const items = found === undefined ? [] : arrayOf(found).map((item) => [take(item), item] as const);
  const unprocessed = left === undefined ? [] : unprocessedIn(property(left, "Keys")).map(take);
  // Without a list of items, it is unknown whether the other keys exist.
  if (found === undefined && unprocessed.length < request.keys.length) throw malformedAnswer();
  transport.confirmLayout();
  return { items, unprocessed };
}
