import { dynamodbStore } from "@manykv/dynamodb";
import { memoryStore } from "@manykv/memory";
import { postgresStore } from "@manykv/postgres";
import { redisStore } from "@manykv/redis";

const open = {
  memory: () => memoryStore(),
  redis: ({ url }) => redisStore({ url }),
  "redis-cluster": ({ url }) => redisStore({ url }),
  postgres: ({ url, table }) => postgresStore({ url, table }),
  dynamodb: ({ url, table }) => dynamodbStore({ endpoint: url, table }),
};

/** Opens a store of the tests. Tests run in several threads, which create the same table. */
export default async function openStore(argument) {
  const store = open[argument.name](argument);
  await store.provision();
  return store;
}
