import { KeyvPostgres } from "@keyv/postgres";
import { Keyv } from "keyv";
import type { Contender } from "../../measure/contender.js";
import { keyv } from "../keyv.js";

export function keyvPostgres(url: string, table: string): Contender {
  const store = new KeyvPostgres({ uri: url, table });
  return keyv("@keyv/postgres", new Keyv(store, { throwOnErrors: true }));
}
