import { crc32 } from "node:zlib";
import type { ListAnswer, ListRequest } from "@manykv/core/driver";
import { arrayOf, partitionKeyOf, property } from "./answer.js";
import { malformedAnswer, refusal } from "./error-table.js";
import { bucketPrefix, keyAttribute, keyJson } from "./item-layout.js";
import type { Transport } from "./transport/transport.js";

/**
 * Returns one page of keys. A Scan request reads at most 1 MB of the table and returns the bucket's keys in this part.
 * DynamoDB stores items by the hash of their partition key, so a bucket's items are spread over the whole table.
 * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Scan.html
 */
export async function listPage(transport: Transport, request: ListRequest): Promise<ListAnswer> {
  const { bucket, cursor } = request;
  const prefix = bucketPrefix(bucket);
  const scope = `${transport.table}/${bucket}`;
  const start = cursor === undefined ? "" : `,"ExclusiveStartKey":${keyJson(decodeCursor(scope, cursor))}`;
  const body =
    `{"TableName":"${transport.table}","ConsistentRead":true,"ProjectionExpression":"${keyAttribute}",` +
    `"FilterExpression":"begins_with(${keyAttribute},:p)",` +
    `"ExpressionAttributeValues":{":p":{"S":"${prefix}"}}${start}}`;
  const answer = await transport.send("Scan", body, request);
  const keys = arrayOf(property(answer, "Items")).map((item) => {
    const partitionKey = partitionKeyOf(item);
    if (!partitionKey.startsWith(prefix)) throw malformedAnswer();
    return partitionKey.slice(prefix.length);
  });
  const last = property(answer, "LastEvaluatedKey");
  return last === undefined ? { keys } : { keys, cursor: encodeCursor(scope, partitionKeyOf(last)) };
}

/**
 * Encodes a cursor: a checksum and the partition key where a Scan page ended, in base64url. The checksum detects
 * cursors of other tables and buckets. The key may belong to another bucket, and the cursor does not encrypt the key.
 */
function encodeCursor(scope: string, partitionKey: string): string {
  const checksum = crc32(`${scope}/${partitionKey}`).toString(16).padStart(8, "0");
  return Buffer.from(checksum + partitionKey).toString("base64url");
}

function decodeCursor(scope: string, cursor: string): string {
  const partitionKey = Buffer.from(cursor, "base64url").toString().slice(8);
  if (encodeCursor(scope, partitionKey) === cursor) return partitionKey;
  throw refusal("invalid-argument", "the cursor is invalid: pass a cursor that listKeys returned for this bucket");
}
