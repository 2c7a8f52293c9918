import type { Store, StoreOptions } from "@manykv/core";
import { loadBackend } from "./load-backend.js";

export async function openPostgres(url: string, options: StoreOptions): Promise<Store> {
  const { postgresStore } = await loadBackend(() => import("@manykv/postgres"), "@manykv/postgres pg");
  return postgresStore({ ...options, url });
}
