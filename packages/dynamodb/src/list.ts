import type { ListAnswer, ListRequest } from "@manykv/core";
import { listOf, member, partitionKeyOf } from "./answer.js";
import { openCursor, sealCursor } from "./cursor.js";
import { DriverError } from "./driver-error.js";
import { bucketPrefix, keyAttribute, keyJson } from "./item-layout.js";
import type { Table } from "./table.js";

/**
 * One page of a Scan: at most 1 MB of the table is read, and the keys of the bucket are taken out of it. Items lie by
 * the hash of their partition key, so a bucket's are spread over the whole table, and nothing less than a Scan finds
 * them. https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Scan.html
 */
export async function listPage(table: Table, request: ListRequest): Promise<ListAnswer> {
  const { bucket, cursor } = request;
  const prefix = bucketPrefix(bucket);
  const start =
    cursor === undefined ? "" : `,"ExclusiveStartKey":${keyJson(openCursor(table.name, bucket, cursor))}`;
  const body =
    `{"TableName":"${table.name}","ConsistentRead":true,"ProjectionExpression":"${keyAttribute}",` +
    `"FilterExpression":"begins_with(${keyAttribute},:p)",` +
    `"ExpressionAttributeValues":{":p":{"S":"${prefix}"}}${start}}`;
  const answer = await table.transport.send("Scan", body, request.signal);
  const keys = listOf(member(answer, "Items")).map((item) => keyIn(prefix, partitionKeyOf(item)));
  const last = member(answer, "LastEvaluatedKey");
  return last === undefined
    ? { keys }
    : { keys, cursor: sealCursor(table.name, bucket, partitionKeyOf(last)) };
}

function keyIn(prefix: string, partitionKey: string): string {
  if (!partitionKey.startsWith(prefix)) throw new DriverError("MalformedAnswer");
  return partitionKey.slice(prefix.length);
}
