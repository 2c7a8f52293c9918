import type { ItemFault, KeysRequest, ReadAnswer } from "@manykv/core/driver";
import { arrayOf, type Json, property, RequestedKeys, tablePart, unprocessedIn } from "./answer.js";
import { malformedAnswer } from "./error-table.js";
import { bucketPrefix } from "./layout.js";
import { dynamodbLimits } from "./limits.js";
import { expiryOf, foreignItem, storedValueOf } from "./stored-item.js";
import type { Transport } from "./transport/transport.js";

type Value = Uint8Array<ArrayBuffer> | undefined;

/** Maximum size of an item's key and names in a response, in bytes: JSON may encode a byte as 6 bytes. */
const keyBytes = 20_000;
/** Maximum size of an item in a response, in bytes: base64 encodes 3 bytes of a value as 4 bytes. */
export const itemBytes: number = keyBytes + (dynamodbLimits.maxValueBytes * 4) / 3;
/** Maximum size of all items of a response, in bytes: 16 MB of items as base64, and their keys. */
const itemsBytes = 24_000_000;

/** Reads values with BatchGetItem. */
export async function get(transport: Transport, request: KeysRequest): Promise<ReadAnswer<Value>> {
  const { layout } = transport;
  const maxBytes = Math.min(request.keys.length * itemBytes, itemsBytes);
  const { items, unprocessed } = await batchGet(transport, request, layout.selectItems, maxBytes);
  const values = new Array<Value>(request.keys.length).fill(undefined);
  const faults: ItemFault[] = [];
  const now = transport.clock.now();
  for (const [index, item] of items) {
    const expiry = expiryOf(item, layout);
    if (expiry !== undefined && expiry <= now) continue;
    values[index] = expiry === undefined ? undefined : storedValueOf(item, layout);
    if (values[index] === undefined) faults.push({ index, ...foreignItem().fault });
  }
  return { values, faults, unprocessed };
}

/** Checks with BatchGetItem whether keys exist. Costs as much as `get`, but does not transfer values. */
export async function exists(transport: Transport, request: KeysRequest): Promise<ReadAnswer<boolean>> {
  const { items, unprocessed } = await getExpiries(transport, request);
  const values = new Array<boolean>(request.keys.length).fill(false);
  const now = transport.clock.now();
  for (const [index, item] of items) values[index] = (expiryOf(item, transport.layout) ?? Infinity) > now;
  return { values, unprocessed };
}

/** Returns with BatchGetItem how long keys will live. Costs as much as `get`, but does not transfer values. */
export async function ttl(transport: Transport, request: KeysRequest): Promise<ReadAnswer<number | null | undefined>> {
  const { items, unprocessed } = await getExpiries(transport, request);
  const values = new Array<number | null | undefined>(request.keys.length).fill(undefined);
  const faults: ItemFault[] = [];
  const now = transport.clock.now();
  for (const [index, item] of items) {
    const expiry = expiryOf(item, transport.layout);
    if (expiry === undefined) faults.push({ index, ...foreignItem().fault });
    else if (expiry > now) values[index] = expiry === Infinity ? null : expiry - now;
  }
  return { values, faults, unprocessed };
}

/** Reads the item of the only key of a request. */
export async function readItem(
  transport: Transport,
  request: KeysRequest,
): Promise<{ readonly item: Json; readonly isUnprocessed: boolean }> {
  const { items, unprocessed } = await batchGet(transport, request, transport.layout.selectItems, itemBytes);
  return { item: items[0]?.[1], isUnprocessed: unprocessed.length > 0 };
}

function getExpiries(transport: Transport, request: KeysRequest): ReturnType<typeof batchGet> {
  return batchGet(transport, request, transport.layout.selectExpiries, request.keys.length * keyBytes);
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
