import { type Store, StoreError, type StoreOptions } from "@manykv/core";
import { loadBackend } from "./load-backend.js";
import { refuseOthers, splitUrl } from "./url-parameters.js";

export async function openMemory(url: string, options: StoreOptions): Promise<Store> {
  const { address, parameters } = splitUrl(url);
  refuseOthers(parameters, []);
  if (address.toLowerCase() !== "memory:") {
    throw new StoreError("invalid-argument", "openStore: the memory store has no address, write memory:");
  }
  const { memoryStore } = await loadBackend(() => import("@manykv/memory"), "@manykv/memory");
  return memoryStore(options);
}
