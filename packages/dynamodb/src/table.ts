import { arrayOf, type Json, property } from "./answer.js";
import { malformedAnswer } from "./error-table.js";
import type { Layout } from "./layout.js";
import type { Message } from "./transport/message.js";

/** The DescribeTable request. Its response may describe many indexes. */
export const describeTable: Message = { operation: "DescribeTable", content: "", maxBytes: 4_000_000 };

/** What DescribeTable returns about a table. */
export interface TableDescription {
  readonly arn: string;
  /** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableDescription.html */
  readonly status: string;
  /** The attributes of the primary key and their types, such as `k (S)` or `k (S), s (N)`. */
  readonly primaryKey: string;
  /** Whether the table has replicas in other regions. */
  readonly hasReplicas: boolean;
}

/** Reads a DescribeTable response. Throws a `FaultError` (`MalformedAnswer`) if it is damaged. */
export function readTable(answer: Json): TableDescription {
  const table = property(answer, "Table");
  const status = property(table, "TableStatus");
  const definitions = arrayOf(property(table, "AttributeDefinitions"));
  const keys = arrayOf(property(table, "KeySchema")).map((key) => {
    const name = property(key, "AttributeName");
    const definition = definitions.find((each) => property(each, "AttributeName") === name);
    return describeKey(String(name), String(property(definition, "AttributeType")));
  });
  if (typeof status !== "string" || keys.length === 0) throw malformedAnswer();
  const replicas = property(table, "Replicas");
  const hasReplicas = Array.isArray(replicas) && replicas.length > 0;
  return { arn: String(property(table, "TableArn")), status, primaryKey: keys.join(", "), hasReplicas };
}

/** Returns the primary key that a table must have, in the form of {@link TableDescription.primaryKey}. */
export function primaryKeyOf({ keyAttribute, sortKey }: Layout): string {
  return [keyAttribute, ...(sortKey ? [sortKey.attribute] : [])].map((name) => describeKey(name, "S")).join(", ");
}

function describeKey(name: string, type: string): string {
  return `${JSON.stringify(name)} (${type})`;
}
