import type { Store, StoreOptions } from "@manykv/core";
import { loadBackend } from "./load-backend.js";

export async function openRedis(url: string, options: StoreOptions): Promise<Store> {
  const { redisStore } = await loadBackend(() => import("@manykv/redis"), "@manykv/redis ioredis");
  return redisStore({ ...options, url });
}
