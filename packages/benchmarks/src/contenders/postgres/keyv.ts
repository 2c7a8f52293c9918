import { KeyvPostgres } from "@keyv/postgres";
import { randomName } from "@manykv/test-services";
import { Keyv } from "keyv";
import type { Contender } from "../../measure/contender.js";
import { keyv } from "../keyv.js";

export function keyvPostgres(url: string): Contender {
  const store = new KeyvPostgres({ uri: url, table: randomName() });
  return keyv("@keyv/postgres", new Keyv(store, { throwOnErrors: true }));
}
