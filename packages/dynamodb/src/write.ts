import { allDone, type KeysRequest, type SetRequest, type WriteAnswer } from "@manykv/core";
import { type Json, KeyIndex, listOf, member, partitionKeyOf, tablePart } from "./answer.js";
import { itemJson, keyJson, partitionKeys } from "./item-layout.js";
import type { Table } from "./table.js";

/** BatchWriteItem with puts. */
export function set(table: Table, request: SetRequest): Promise<WriteAnswer> {
  const { values } = request;
  return batchWrite(
    table,
    request,
    (key, index) => `{"PutRequest":{"Item":${itemJson(key, values[index] as Uint8Array)}}}`,
  );
}

/** BatchWriteItem with deletes. */
export function remove(table: Table, request: KeysRequest): Promise<WriteAnswer> {
  return batchWrite(table, request, (key) => `{"DeleteRequest":{"Key":${keyJson(key)}}}`);
}

async function batchWrite(
  table: Table,
  request: KeysRequest,
  write: (partitionKey: string, index: number) => string,
): Promise<WriteAnswer> {
  const { name } = table;
  const keys = partitionKeys(request.bucket, request.keys);
  const body = `{"RequestItems":{"${name}":[${keys.map(write).join()}]}}`;
  const answer = await table.transport.send("BatchWriteItem", body, request.signal);
  const left = tablePart(member(answer, "UnprocessedItems"), name);
  if (left === undefined) return allDone;
  const index = new KeyIndex(keys);
  return { unprocessed: listOf(left).map((unprocessed) => index.of(partitionKeyOf(subjectOf(unprocessed)))) };
}

/** The item that was not put, or the key that was not deleted. */
function subjectOf(unprocessed: Json): Json {
  return (
    member(member(unprocessed, "PutRequest"), "Item") ?? member(member(unprocessed, "DeleteRequest"), "Key")
  );
}
