import { allDone, type KeysRequest, keyExists, type SetRequest, type WriteAnswer } from "@manykv/core/driver";
import { attribute, type Json, onlyProperty, property, RequestedKeys, tablePart, unprocessedIn } from "./answer.js";
import { partitionKey, writeIf } from "./conditional-write.js";
import { malformedAnswer, UnmetCondition } from "./error-table.js";
import { bucketPrefix, encodeValue, isAbsent } from "./layout.js";
import { expiryOf } from "./stored-item.js";
import type { Transport } from "./transport/transport.js";

/** Writes items with BatchWriteItem. */
export function set(transport: Transport, request: SetRequest): Promise<WriteAnswer> {
  const { layout } = transport;
  const valueAt = (index: number): Uint8Array => request.values[index] as Uint8Array;
  const expiries = request.ttls?.map((ttl) => (ttl === undefined ? undefined : transport.clock.expiryAfter(ttl)));
  return batchWrite(transport, request, {
    toJson: (key, index) => `{"PutRequest":{"Item":${layout.itemJson(key, valueAt(index), expiries?.[index])}}}`,
    itemOf: (write) => property(onlyProperty(write, "PutRequest"), "Item"),
    isSame: (item, index) =>
      attribute(item, layout.valueAttribute, "B") === encodeValue(valueAt(index)) &&
      expiryOf(item, layout) === (expiries?.[index] ?? Infinity),
  });
}

/** Puts one item, unless the key exists. */
export async function setIfAbsent(transport: Transport, request: SetRequest): Promise<WriteAnswer> {
  const [ttl] = request.ttls ?? [];
  const expiry = ttl === undefined ? undefined : transport.clock.expiryAfter(ttl);
  const item = transport.layout.itemJson(partitionKey(request), request.values[0] as Uint8Array, expiry);
  const answer = await writeIf(transport, request, { operation: "PutItem", item, condition: isAbsent });
  return answer instanceof UnmetCondition ? { faults: [{ ...keyExists, index: 0 }] } : allDone;
}

/** Deletes items with BatchWriteItem. */
export function remove(transport: Transport, request: KeysRequest): Promise<WriteAnswer> {
  return batchWrite(transport, request, {
    toJson: (key) => `{"DeleteRequest":{"Key":${transport.layout.keyJson(key)}}}`,
    itemOf: (write) => property(onlyProperty(write, "DeleteRequest"), "Key"),
    isSame: () => true,
  });
}

interface WriteKind {
  /** Returns the JSON of a write. */
  readonly toJson: (partitionKey: string, index: number) => string;
  /** Returns the item or key of a write that DynamoDB left unprocessed. */
  readonly itemOf: (write: Json) => Json;
  /** Returns whether an unprocessed item is the item that was sent. */
  readonly isSame: (item: Json, index: number) => boolean;
}

async function batchWrite(transport: Transport, request: KeysRequest, kind: WriteKind): Promise<WriteAnswer> {
  const { layout } = transport;
  const { bucket, keys } = request;
  const prefix = bucketPrefix(bucket);
  const content = `[${keys.map((key, index) => kind.toJson(prefix + key, index)).join()}]`;
  // The response can repeat the whole request, with other escape sequences.
  const maxBytes = 6 * content.length;
  const message = { operation: "BatchWriteItem", content, maxBytes, keyCount: keys.length } as const;
  const { json, table } = await transport.send(message, request);
  const left = tablePart(property(json, "UnprocessedItems"), table);
  transport.confirmLayout();
  if (left === undefined) return allDone;
  const requested = new RequestedKeys(layout, prefix, keys);
  const unprocessed = unprocessedIn(left).map((write) => {
    const item = kind.itemOf(write);
    const index = requested.take(item);
    if (!kind.isSame(item, index)) throw malformedAnswer();
    return index;
  });
  return { unprocessed };
}
