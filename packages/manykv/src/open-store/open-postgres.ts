import type { Store, StoreOptions } from "@manykv/core";
import { loadBackend } from "./load-backend.js";
import { splitUrl, takeParameter } from "./url-parameters.js";

export async function openPostgres(url: string, options: StoreOptions): Promise<Store> {
  const { address, parameters } = splitUrl(url);
  const table = takeParameter(parameters, "table");
  const { postgresStore } = await loadBackend(() => import("@manykv/postgres"), "@manykv/postgres pg");
  const clientUrl = parameters.size === 0 ? address : `${address}?${parameters}`;
  return postgresStore({ ...options, url: clientUrl, ...(table !== undefined && { table }) });
}
