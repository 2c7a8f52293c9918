import type { ItemFault, KeysRequest, ReadAnswer } from "@manykv/core/driver";
import { arrayOf, indexOfItem, type Json, property, tablePart } from "./answer.js";
import { refusal } from "./error-table.js";
import { bucketPrefix, decodeValue, keyAttribute, keyJson, valueAttribute } from "./item-layout.js";
import type { Transport } from "./transport/transport.js";

type Value = Uint8Array<ArrayBuffer> | undefined;

const foreignItem = "the item has no binary value, so manykv did not write it";

/** Reads values with BatchGetItem. */
export async function get(transport: Transport, request: KeysRequest): Promise<ReadAnswer<Value>> {
  const { items, unprocessed } = await batchGet(transport, request, "");
  const values = new Array<Value>(request.keys.length).fill(undefined);
  const faults: ItemFault[] = [];
  for (const [index, item] of items) {
    const base64 = property(property(item, valueAttribute), "B");
    if (typeof base64 === "string") values[index] = decodeValue(base64);
    else faults.push({ index, ...refusal("internal", foreignItem).fault });
  }
  return { values, faults, unprocessed };
}

/** Checks with BatchGetItem whether keys exist. Costs as much as `get`, but does not transfer values. */
export async function exists(transport: Transport, request: KeysRequest): Promise<ReadAnswer<boolean>> {
  const projection = `,"ProjectionExpression":"${keyAttribute}"`;
  const { items, unprocessed } = await batchGet(transport, request, projection);
  const values = new Array<boolean>(request.keys.length).fill(false);
  for (const [index] of items) values[index] = true;
  return { values, unprocessed };
}

/** Sends BatchGetItem even for one key. From GetItem, `{}` could mean a missing item or a damaged response. */
async function batchGet(
  transport: Transport,
  request: KeysRequest,
  projection: string,
): Promise<{ items: (readonly [index: number, item: Json])[]; unprocessed: number[] }> {
  const { table } = transport;
  const prefix = bucketPrefix(request.bucket);
  const keys = request.keys.map((key) => keyJson(prefix + key)).join();
  const body = `{"RequestItems":{"${table}":{"ConsistentRead":true${projection},"Keys":[${keys}]}}}`;
  const answer = await transport.send("BatchGetItem", body, request);
  const found = tablePart(property(answer, "Responses"), table);
  const left = tablePart(property(answer, "UnprocessedKeys"), table);
  const indexOf = indexOfItem(prefix, request.keys);
  return {
    items: arrayOf(found ?? []).map((item) => [indexOf(item), item] as const),
    unprocessed: left === undefined ? [] : arrayOf(property(left, "Keys")).map(indexOf),
  };
}
