import { type Json, property } from "../answer.js";
import { refusal } from "../error-table.js";

/** A request to DynamoDB. */
export interface Message {
  readonly operation:
    | "BatchGetItem"
    | "BatchWriteItem"
    | "PutItem"
    | "UpdateItem"
    | "DeleteItem"
    | "Scan"
    | "DescribeTable"
    | "DescribeContinuousBackups"
    | "CreateTable"
    | "DescribeTimeToLive"
    | "UpdateTimeToLive";
  /** JSON of the table's part of a batch, or of the members beside the table's name, without braces. */
  readonly content: string;
  /** Maximum size of a successful response, in bytes, without the parts around the items. */
  readonly maxBytes: number;
  /** Maximum size of the item in an error, in bytes. Default: errors of the operation contain no item. */
  readonly maxErrorBytes?: number;
  /** Number of keys of a batch. */
  readonly keyCount?: number;
}

/** The parsed response to a message, and the name under which it contains the table. */
export interface Answer {
  readonly json: Json;
  readonly table: string;
}

/** The parts of an input that middleware of the caller may change. */
export interface Input {
  readonly table: string;
  /** Members such as `ReturnConsumedCapacity`, each as JSON after a comma. */
  readonly extra: string;
}

/** Returns the body of a request. */
export function bodyOf({ operation, content }: Message, { table, extra }: Input): string {
  if (operation.startsWith("Batch")) return `{"RequestItems":{"${table}":${content}}${extra}}`;
  return `{"TableName":"${table}"${content && `,${content}`}${extra}}`;
}

const emptyKeys = '{"Keys":[]}';

/** Returns an input that contains the table but no items. Middleware of the caller sees this input. */
export function emptyInput({ operation }: Message, table: string): object {
  if (!operation.startsWith("Batch")) return { TableName: table };
  return { RequestItems: { [table]: operation === "BatchGetItem" ? { Keys: [] } : [] } };
}

const unusableChange =
  "middleware of the `client` changed the items of a request: it may change only the table's name and add members";

/**
 * Reads what middleware changed in an empty input. Throws a `FaultError` (`invalid-argument`) if it changed more than
 * the table's name and additional members, because the items of the request are not in this input.
 */
export function changedInput({ operation, content }: Message, body: string): Input {
  const isBatch = operation.startsWith("Batch");
  const { RequestItems: items, TableName: name, ...members } = JSON.parse(body) as Record<string, Json>;
  const [table, ...others] = isBatch ? Object.keys(items ?? {}) : [name];
  const own = isBatch ? {} : (JSON.parse(`{${content}}`) as object);
  const part = JSON.stringify(property(items, String(table)));
  const isSame = !isBatch || part === "[]" || part === emptyKeys;
  const isKnown = others.length === 0 && !Object.keys(members).some((member) => Object.hasOwn(own, member));
  if (!isSame || !isKnown || typeof table !== "string") throw refusal("invalid-argument", unusableChange);
  const extra = Object.entries(members).map((entry) => `,"${entry[0]}":${JSON.stringify(entry[1])}`);
  return { table, extra: extra.join("") };
}

type Items = Record<"Responses" | "UnprocessedKeys" | "UnprocessedItems" | "Items" | "Attributes" | "Item", Json>;

/** Returns a response without items, such as `{"ConsumedCapacity":[..]}`, for middleware of the caller. */
export function withoutItems(json: Json): string {
  const all = { ...(json as object) } as Items;
  const { Responses, UnprocessedKeys, UnprocessedItems, Items, Attributes, Item, ...rest } = all;
  return JSON.stringify(rest);
}
