import { createKeyv } from "@keyv/dynamo";
import type { Contender } from "../../measure/contender.js";
import { keyv } from "../keyv.js";
import type { DynamodbPlace } from "./place.js";

export function keyvDynamodb({ endpoint, region, credentials }: DynamodbPlace, table: string): Contender {
  const store = createKeyv({ endpoint, region, tableName: table, ...(credentials && { credentials }) });
  store.throwOnErrors = true;
  return keyv("@keyv/dynamo", store);
}
