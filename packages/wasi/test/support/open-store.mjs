// Each thread loads only the backend that it uses.
const open = {
  memory: async () => (await import("@manykv/memory")).memoryStore(),
  redis: async ({ url }) => (await import("@manykv/redis")).redisStore({ url }),
  "redis-cluster": async ({ url }) => (await import("@manykv/redis")).redisStore({ url }),
  postgres: async ({ url, table }) => (await import("@manykv/postgres")).postgresStore({ url, table }),
  dynamodb: async ({ url, table }) => (await import("@manykv/dynamodb")).dynamodbStore({ endpoint: url, table }),
};

/** Opens a store of the tests. Tests run in several threads, which create the same table. */
export default async function openStore(argument) {
  const store = await open[argument.name](argument);
  await store.provision();
  return store;
}
