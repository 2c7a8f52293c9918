import type { Keyv } from "keyv";
import type { Contender } from "../measure/contender.js";
import { asBuffer, load, uniqueName } from "./common.js";
import type { DynamodbLogin } from "./dynamodb.js";

/** Returns a contender that uses keyv on Redis. */
export async function keyvRedis(url: string): Promise<Contender> {
  const { createKeyv } = await load("@keyv/redis", () => import("@keyv/redis"));
  return keyv("@keyv/redis", createKeyv(url, { throwOnErrors: true }));
}

export async function keyvPostgres(url: string, table: string): Promise<Contender> {
  const { KeyvPostgres } = await load("@keyv/postgres", () => import("@keyv/postgres"));
  const { Keyv } = await load("keyv", () => import("keyv"));
  return keyv("@keyv/postgres", new Keyv(new KeyvPostgres({ uri: url, table }), { throwOnErrors: true }));
}

export async function keyvDynamodb(
  { endpoint, region, credentials }: DynamodbLogin,
  table: string,
): Promise<Contender> {
  const { createKeyv } = await load("@keyv/dynamo", () => import("@keyv/dynamo"));
  const store = createKeyv({ endpoint, region, tableName: table, ...(credentials && { credentials }) });
  store.throwOnErrors = true;
  return keyv("@keyv/dynamo", store);
}

/** Returns a contender that uses keyv. keyv's default serializer accepts bytes only as `Buffer`. */
function keyv(name: string, store: Keyv): Contender {
  const prefix = uniqueName();
  return {
    name,
    kind: "library",
    prepare({ keys, values, readKeys }) {
      const prefixed = keys.map((key) => `${prefix}-${key}`);
      const asked = readKeys.map((key) => `${prefix}-${key}`);
      const entries = prefixed.map((key, index) => ({ key, value: asBuffer(values[index]) }));
      return {
        set: () => store.setMany(entries),
        get: async () => {
          const found = await store.getMany<Buffer>(asked);
          return () => found.map((value) => value ?? undefined);
        },
        delete: () => store.deleteMany(prefixed),
        // On DynamoDB, a batch of keyv fails if it exceeds the limits of one request. So read the keys one by one.
        readBack: async () => {
          const found: (Buffer | undefined)[] = [];
          for (const key of asked) found.push(await store.get<Buffer>(key));
          return () => found;
        },
      };
    },
    close: () => store.disconnect(),
  };
}

/**
 * Returns a contender that uses unstorage on Redis. The batch methods of unstorage do not support binary values, so this
 * contender encodes values as Base64. unstorage has no batch method for deletes.
 */
export async function unstorageRedis(url: string): Promise<Contender> {
  const { createStorage } = await load("unstorage", () => import("unstorage"));
  const { default: redisDriver } = await load("unstorage", () => import("unstorage/drivers/redis"));
  const storage = createStorage<string>({ driver: redisDriver({ url, base: uniqueName() }) });
  const prefix = "base64:";
  return {
    name: "unstorage redis",
    kind: "library",
    prepare: ({ keys, values, readKeys }) => ({
      set: () =>
        storage.setItems(
          keys.map((key, index) => ({ key, value: prefix + asBuffer(values[index]).toString("base64") })),
        ),
      get: async () => {
        const items = await storage.getItems<string>([...readKeys]);
        const found = items.map(({ value }) =>
          value === null ? undefined : Buffer.from(value.slice(prefix.length), "base64"),
        );
        return () => found;
      },
      delete: () => Promise.all(keys.map((key) => storage.removeItem(key))),
    }),
    close: () => storage.dispose(),
  };
}
