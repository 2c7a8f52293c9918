import type { ItemFault, KeysRequest, ReadAnswer } from "@manykv/core";
import { type Json, KeyIndex, listOf, member, partitionKeyOf, tablePart } from "./answer.js";
import { faultOf } from "./error-table.js";
import { keyAttribute, keyJson, partitionKeys, valueAttribute } from "./item-layout.js";
import type { Table } from "./table.js";

/** BatchGetItem for the values. */
export async function get(table: Table, request: KeysRequest): Promise<ReadAnswer<Uint8Array | undefined>> {
  const answer = await batchGet(table, request, "");
  const values = new Array<Uint8Array | undefined>(request.keys.length).fill(undefined);
  const faults: ItemFault[] = [];
  for (const [index, item] of answer.items) {
    const base64 = member(member(item, valueAttribute), "B");
    if (typeof base64 === "string") values[index] = new Uint8Array(Buffer.from(base64, "base64"));
    else faults.push({ index, ...faultOf("ForeignItem") });
  }
  return { values, faults, unprocessed: answer.unprocessed };
}

/** BatchGetItem for the keys alone. It costs what reading the values costs, but does not send them. */
export async function exists(table: Table, request: KeysRequest): Promise<ReadAnswer<boolean>> {
  const answer = await batchGet(table, request, `,"ProjectionExpression":"${keyAttribute}"`);
  const values = new Array<boolean>(request.keys.length).fill(false);
  for (const [index] of answer.items) values[index] = true;
  return { values, unprocessed: answer.unprocessed };
}

interface BatchGetAnswer {
  /** Items that there are, with the index of their key, in any order. */
  readonly items: readonly (readonly [index: number, item: Json])[];
  readonly unprocessed: readonly number[];
}

/** Also for one key: GetItem costs the same, and answers a missing item with `{}`, as a damaged answer might. */
async function batchGet(table: Table, request: KeysRequest, projection: string): Promise<BatchGetAnswer> {
  const { name } = table;
  const keys = partitionKeys(request.bucket, request.keys);
  const body = `{"RequestItems":{"${name}":{"ConsistentRead":true${projection},"Keys":[${keys.map(keyJson).join()}]}}}`;
  const answer = await table.transport.send("BatchGetItem", body, request.signal);
  const found = tablePart(member(answer, "Responses"), name);
  const left = tablePart(member(answer, "UnprocessedKeys"), name);
  const index = new KeyIndex(keys);
  return {
    items: listOf(found ?? []).map((item) => [index.of(partitionKeyOf(item)), item]),
    unprocessed:
      left === undefined ? [] : listOf(member(left, "Keys")).map((key) => index.of(partitionKeyOf(key))),
  };
}
