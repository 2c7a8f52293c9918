import { dynamodbTestbed } from "./dynamodb.js";
import { memoryTestbed } from "./memory.js";
import { postgresTestbed } from "./postgres.js";
import { redisTestbed } from "./redis.js";
import { redisClusterTestbed } from "./redis-cluster.js";
import type { BackendName, Testbed, TestbedOptions } from "./testbed.js";

const testbeds: Readonly<Record<BackendName, (options: TestbedOptions) => Promise<Testbed>>> = {
  memory: memoryTestbed,
  redis: redisTestbed,
  "redis-cluster": redisClusterTestbed,
  postgres: postgresTestbed,
  dynamodb: dynamodbTestbed,
};

/** Starts the servers of a backend and returns them as a testbed. */
export function openTestbed(name: BackendName, options: TestbedOptions = {}): Promise<Testbed> {
  return testbeds[name](options);
}
