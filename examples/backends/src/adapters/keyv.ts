import KeyvPostgres from "@keyv/postgres";
import KeyvRedis from "@keyv/redis";
import * as kit from "@manykv/core/driver";

const most = Object.freeze({ maxKeys: 1_000, maxBytes: 4_000_000 });
const within = (namespace: string) => (key: string) => `${namespace}:${key}`;

/** A driver on top of a storage adapter of Keyv. A bucket is a namespace. Values are base64. The caller disconnects. */
export class KeyvDriver implements kit.Driver {
  readonly name = "keyv";
  readonly limits = Object.freeze({ maxValueBytes: 1_000_000, get: most, set: most, delete: most, concurrency: 4 });
  readonly #adapter: KeyvRedis<string> | KeyvPostgres;

  constructor(adapter: KeyvRedis<string> | KeyvPostgres) {
    this.#adapter = adapter;
  }

  async get({ bucket, keys }: kit.KeysRequest) {
    const values: (string | null | undefined)[] = await this.#adapter.getMany(keys.map(within(bucket)));
    return { values: values.map((value) => (value == null ? undefined : Buffer.from(value, "base64"))) };
  }

  async set({ bucket, keys, values }: kit.SetRequest) {
    const value = (index: number) => Buffer.from(values[index] as Uint8Array).toString("base64");
    await this.#adapter.setMany(keys.map(within(bucket)).map((key, index) => ({ key, value: value(index) })));
    return kit.allDone;
  }

  async delete({ bucket, keys }: kit.KeysRequest) {
    await this.#adapter.deleteMany(keys.map(within(bucket)));
    return kit.allDone;
  }

  async list({ bucket, prefix }: kit.ListRequest) {
    const keys: string[] = [];
    // KeyvRedis lists keys without their namespace, KeyvPostgres with it.
    const start = this.#adapter instanceof KeyvRedis ? 0 : bucket.length + 1;
    for await (const [key] of this.#adapter.iterator(bucket)) keys.push((key as string).slice(start));
    return { keys: keys.filter((key) => key.startsWith(prefix)) };
  }

  /** Postgres rolls a statement back to end a deadlock. */
  classify(error: unknown): kit.Fault {
    if ((error as { code?: unknown } | undefined)?.code !== "40P01")
      return { code: "internal", retryable: false, effect: "unknown" };
    return { code: "throttled", retryable: true, effect: "none", reason: "40P01" };
  }

  async close() {}
}

export const openKeyvRedis = (url: string) =>
  new KeyvRedis<string>(url, { keyPrefixSeparator: ":", throwOnErrors: true });

/** A key of the table consists of a bucket name, a colon and a key. */
export const openKeyvPostgres = (uri: string) =>
  new KeyvPostgres({ uri, table: "manykv_keyv", keySize: 64 + 1 + 1_024, iterationLimit: 1_000 });
