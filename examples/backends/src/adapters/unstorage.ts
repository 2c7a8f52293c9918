import * as kit from "@manykv/core/driver";
import { createStorage, prefixStorage, type Storage } from "unstorage";
import fsDriver from "unstorage/drivers/fs";
import redisDriver from "unstorage/drivers/redis";

const most = Object.freeze({ maxKeys: 1_000, maxBytes: 4_000_000 });

/** A driver on top of unstorage. A bucket is a prefix. unstorage has no batches of bytes, so each key is a call. */
export class UnstorageDriver implements kit.Driver {
  readonly name = "unstorage";
  readonly limits = Object.freeze({ maxValueBytes: 1_000_000, get: most, set: most, delete: most, concurrency: 4 });
  readonly #storage: Storage;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  async get({ bucket, keys }: kit.KeysRequest) {
    const items = prefixStorage(this.#storage, bucket);
    const values = await Promise.all(keys.map((key) => items.getItemRaw<Uint8Array>(key)));
    return { values: values.map((value) => (value === null ? undefined : new Uint8Array(value))) };
  }

  async set({ bucket, keys, values }: kit.SetRequest) {
    const items = prefixStorage(this.#storage, bucket);
    await Promise.all(keys.map((key, index) => items.setItemRaw(key, values[index])));
    return kit.allDone;
  }

  async delete({ bucket, keys }: kit.KeysRequest) {
    const items = prefixStorage(this.#storage, bucket);
    await Promise.all(keys.map((key) => items.removeItem(key)));
    return kit.allDone;
  }

  async list({ bucket, prefix }: kit.ListRequest) {
    const keys = await prefixStorage(this.#storage, bucket).getKeys();
    return { keys: keys.filter((key) => key.startsWith(prefix)) };
  }

  classify(): kit.Fault {
    return { code: "internal", retryable: false, effect: "unknown" };
  }

  async close() {}
}

export const openUnstorageRedis = (url: string): Storage => createStorage({ driver: redisDriver({ url }) });

export const openUnstorageFs = (base: string): Storage => createStorage({ driver: fsDriver({ base }) });
