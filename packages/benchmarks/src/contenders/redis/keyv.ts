import { createKeyv } from "@keyv/redis";
import type { Contender } from "../../measure/contender.js";
import { keyv } from "../keyv.js";

export function keyvRedis(url: string): Contender {
  return keyv("@keyv/redis", createKeyv(url, { throwOnErrors: true }));
}
