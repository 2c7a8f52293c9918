import { crc32 } from "node:zlib";
import type { BucketsAnswer, DriverRequest, ListAnswer, ListRequest, PageRequest } from "@manykv/core/driver";
import { arrayOf, attribute, type Json, onlyProperty, partitionKeyOf, property } from "./answer.js";
import { malformedAnswer, otherPrimaryKey, refusal } from "./error-table.js";
import { bucketPrefix, type Layout } from "./layout.js";
import type { Transport } from "./transport/transport.js";

/**
 * Maximum size of a Scan response, in bytes: 1 MB of keys, of which JSON may encode each byte as 6 bytes, and syntax.
 */
const pageBytes = 16_000_000;

/** Returns one page of keys. DynamoDB filters them by the prefix. */
export async function listPage(transport: Transport, request: ListRequest): Promise<ListAnswer> {
  const { bucket, prefix, cursor } = request;
  const scope = `${transport.table}/${bucket}`;
  const { partitionKeys, next } = await scan(transport, request, scope, cursor, bucketPrefix(bucket) + prefix);
  const keys = partitionKeys.map((key) => key.slice(bucketPrefix(bucket).length));
  return next === undefined ? { keys } : { keys, cursor: next };
}

/** Returns the buckets of the keys in one part of the table. Core ignores names that are not valid in manykv. */
export async function listBuckets(transport: Transport, request: PageRequest): Promise<BucketsAnswer> {
  const { partitionKeys, next } = await scan(transport, request, `${transport.table}/`, request.cursor);
  const names = new Set<string>();
  for (const key of partitionKeys) if (key.includes(":")) names.add(key.slice(0, key.indexOf(":")));
  return next === undefined ? { buckets: [...names] } : { buckets: [...names], cursor: next };
}

/**
 * Sends one Scan request, which reads at most 1 MB of the table. Returns the keys of live items in this part whose partition
 * key starts with `prefix`. DynamoDB stores items by the hash of their partition key, so a bucket's items are spread over
 * the whole table.
 * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Scan.html
 */
async function scan(
  transport: Transport,
  request: DriverRequest,
  scope: string,
  cursor: string | undefined,
  prefix?: string,
): Promise<{ readonly partitionKeys: string[]; readonly next?: string }> {
  const { layout, clock } = transport;
  const start = cursor === undefined ? undefined : decodeCursor(scope, cursor);
  const startKey = start === undefined ? "" : `,"ExclusiveStartKey":${start}`;
  const content = `"ConsistentRead":true,${layout.scanJson(clock.now(), prefix)}${startKey}`;
  const { json } = await transport.send({ operation: "Scan", content, maxBytes: pageBytes }, request);
  const items = arrayOf(property(json, "Items"));
  const count = property(json, "Count");
  if (count !== undefined && count !== items.length) throw malformedAnswer();
  const partitionKeys = items.map((item) => {
    const partitionKey = partitionKeyOf(item, layout);
    if (prefix !== undefined && !partitionKey.startsWith(prefix)) throw malformedAnswer();
    return partitionKey;
  });
  const last = property(json, "LastEvaluatedKey");
  if (last !== undefined) {
    const end = startKeyJson(last, layout);
    // The next page would be this page again.
    if (end === start) throw malformedAnswer();
    transport.confirmLayout();
    return { partitionKeys, next: encodeCursor(scope, end) };
  }
  if (start !== undefined) transport.confirmLayout();
  if (!transport.isLayoutConfirmed) await checkPrimaryKey(transport, request);
  return { partitionKeys };
}

/**
 * Returns the JSON of the key where a page ended. If the table has a sort key, the page may end at any value of it.
 * Throws if the table has another primary key than the layout.
 */
function startKeyJson(last: Json, layout: Layout): string {
  const isObject = typeof last === "object" && last !== null && !Array.isArray(last);
  if (!isObject || Object.keys(last).length === 0) throw malformedAnswer();
  for (const name of Object.keys(last)) {
    if (!["S", "N", "B"].some((type) => typeof onlyProperty(property(last, name), type) === "string"))
      throw malformedAnswer();
  }
  const key = attribute(last, layout.keyAttribute, "S");
  const sortKey = layout.sortKey && attribute(last, layout.sortKey.attribute, "S");
  const isSortKey = (sortKey === undefined) === (layout.sortKey === undefined);
  if (key === undefined || !isSortKey || Object.keys(last).length > (sortKey === undefined ? 1 : 2))
    throw otherPrimaryKey();
  return layout.keyJson(key, sortKey);
}

/**
 * Throws if the table has another primary key than the layout. In such a table, a Scan finds no keys, or keys of items
 * that are not the store's. The check is a Scan that starts at a key: DynamoDB rejects a key that does not fit the
 * table.
 */
async function checkPrimaryKey(transport: Transport, request: DriverRequest): Promise<void> {
  const startKey = transport.layout.keyJson("manykv:");
  const content = `"Select":"COUNT","Limit":1,"ExclusiveStartKey":${startKey}`;
  await transport.send({ operation: "Scan", content, maxBytes: pageBytes }, request);
  transport.confirmLayout();
}

/**
 * Encodes a cursor: a checksum and the JSON of the key where a Scan page ended, in base64url. The checksum detects
 * cursors of other tables and buckets. The key may belong to another bucket, and the cursor does not encrypt the key.
 */
function encodeCursor(scope: string, startKey: string): string {
  const checksum = crc32(`${scope}/${startKey}`).toString(16).padStart(8, "0");
  return Buffer.from(checksum + startKey).toString("base64url");
}

function decodeCursor(scope: string, cursor: string): string {
  const startKey = Buffer.from(cursor, "base64url").toString().slice(8);
  if (encodeCursor(scope, startKey) === cursor) return startKey;
  throw refusal("invalid-argument", "the cursor is invalid: pass a cursor that listKeys returned for this bucket");
}
