import { randomName } from "@manykv/test-services";
import { serviceUrl } from "@manykv/test-services/vitest";
import type { StoreEntry } from "../../src/index.js";

export const storeNames = ["memory", "redis", "redis-cluster", "postgres", "dynamodb"] as const;

export type StoreName = (typeof storeNames)[number];

/** Returns an entry for a new, empty bucket of a store. The thread that owns the store creates it. */
export function storeEntry(name: StoreName): StoreEntry {
  const module = new URL("open-store.mjs", import.meta.url).href;
  return { module, argument: { name, url: urlOf(name), table: tables[name] }, bucket: randomName() };
}

/** Postgres and DynamoDB have a table for each run. */
const tables: Partial<Record<StoreName, string>> = { postgres: randomName(), dynamodb: randomName() };

function urlOf(name: StoreName): string | undefined {
  return name === "memory" ? undefined : serviceUrl(name);
}
