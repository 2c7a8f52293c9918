import { allDone, type KeysRequest, type SetRequest, type WriteAnswer } from "@manykv/core/driver";
import { arrayOf, indexOfItem, type Json, property, tablePart } from "./answer.js";
import { bucketPrefix, itemJson, keyJson } from "./item-layout.js";
import type { Transport } from "./transport/transport.js";

/** Writes items with BatchWriteItem. */
export function set(transport: Transport, request: SetRequest): Promise<WriteAnswer> {
  const value = (index: number): Uint8Array => request.values[index] as Uint8Array;
  const put = (key: string, index: number): string => `{"PutRequest":{"Item":${itemJson(key, value(index))}}}`;
  return batchWrite(transport, request, put);
}

/** Deletes items with BatchWriteItem. */
export function remove(transport: Transport, request: KeysRequest): Promise<WriteAnswer> {
  return batchWrite(transport, request, (key) => `{"DeleteRequest":{"Key":${keyJson(key)}}}`);
}

async function batchWrite(
  transport: Transport,
  request: KeysRequest,
  writeJson: (partitionKey: string, index: number) => string,
): Promise<WriteAnswer> {
  const { table } = transport;
  const { bucket, keys } = request;
  const prefix = bucketPrefix(bucket);
  const writes = keys.map((key, index) => writeJson(prefix + key, index)).join();
  const answer = await transport.send("BatchWriteItem", `{"RequestItems":{"${table}":[${writes}]}}`, request);
  const left = tablePart(property(answer, "UnprocessedItems"), table);
  if (left === undefined) return allDone;
  const indexOf = indexOfItem(prefix, keys);
  return { unprocessed: arrayOf(left).map((write) => indexOf(itemOf(write))) };
}

/** Returns the item that was not written, or the key that was not deleted. */
function itemOf(write: Json): Json {
  return property(property(write, "PutRequest"), "Item") ?? property(property(write, "DeleteRequest"), "Key");
}
