import { randomBytes } from "node:crypto";
import {
  clusterAddresses,
  clusterArguments,
  clusterSize,
  clusterUrl,
  type DynamodbOptions,
  emulatorCredentials,
  emulatorRegion,
  type NodeAddress,
  type PostgresOptions,
  postgresArguments,
  postgresDatabase,
  postgresUrl,
  postgresUser,
  type RedisClusterOptions,
  type RedisOptions,
  redisArguments,
  redisUrl,
} from "../options.js";
import { clusterBusOffset, freePort, freePorts } from "../process/free-port.js";
import type {
  Breakable,
  DedicatedDynamodb,
  DedicatedPostgres,
  DedicatedRedis,
  DedicatedRedisCluster,
} from "../service.js";
import { postgresResponds, redisResponds, withRedis } from "../support/clients.js";
import { formCluster } from "../support/form-cluster.js";
import { waitUntil } from "../support/retry.js";
import { type Container, startContainer, startServer, withGuard } from "./start-container.js";

const images = {
  redis: "redis:7.2",
  postgres: "postgres:17",
  dynamodb: "amazon/dynamodb-local:2.5.2",
} as const;

export function redisContainer(options: RedisOptions): Promise<DedicatedRedis> {
  return withGuard(async (guard) => {
    const port = await freePort();
    const server = await startServer(
      guard,
      {
        image: images.redis,
        command: ["redis-server", ...redisArguments(options)],
        ports: [{ container: 6379, host: port }],
      },
      (host) => redisResponds(redisUrl(host, port, options.password)),
    );
    return { ...server, url: redisUrl(server.host, port, options.password) };
  });
}

/**
 * Runs six redis-servers in one container. Each server has the same port inside and outside the container and announces
 * the host's address. Clients and other nodes can therefore reach the addresses that nodes report.
 */
export function redisClusterContainer(options: RedisClusterOptions): Promise<DedicatedRedisCluster> {
  return withGuard(async (guard) => {
    const ports = await freePorts(clusterSize, { clusterBus: true });
    const container = await startContainer(guard, {
      image: images.redis,
      command: ["sleep", "infinity"],
      ports: ports.flatMap((port) => [port, port + clusterBusOffset]).map((port) => ({ container: port, host: port })),
    });
    const args = clusterArguments(options);
    const nodes = await Promise.all(ports.map((port) => startNode(container, port, args)));
    await formCluster(nodes);
    return {
      source: "container",
      description: `container ${images.redis} at ${clusterAddresses(nodes)}`,
      host: container.host,
      port: ports[0] ?? 0,
      url: clusterUrl(nodes),
      nodes,
      stop: () => guard.stop(),
      [Symbol.asyncDispose]: () => guard.stop(),
    };
  });
}

async function startNode(
  container: Container,
  port: number,
  args: readonly string[],
): Promise<NodeAddress & Breakable> {
  const { host } = container;
  // Every user may write to /tmp in every image.
  const folder = `/tmp/${port}`;
  const pidFile = `${folder}/redis.pid`;
  const url = redisUrl(host, port);
  await container.run(["mkdir", folder]);
  const start = async () => {
    await container.run([
      "redis-server",
      ...["--port", `${port}`, "--bind", "0.0.0.0", "--protected-mode", "no"],
      ...["--dir", folder, "--daemonize", "yes", "--pidfile", pidFile],
      ...["--cluster-announce-ip", host],
      ...args,
    ]);
    await redisResponds(url);
  };
  const kill = async () => {
    // The process does not exist if the node is already down.
    await container.run(["sh", "-c", `kill -9 "$(cat ${pidFile})" || true`]);
    await waitUntil(`the node on port ${port} did not end`, 10_000, () =>
      withRedis(url, (client) => client.ping()).then(
        () => undefined,
        () => true as const,
      ),
    );
  };
  await start();
  return {
    host,
    port,
    kill,
    restart: async () => {
      await kill();
      await start();
    },
  };
}

export function postgresContainer(options: PostgresOptions): Promise<DedicatedPostgres> {
  return withGuard(async (guard) => {
    const port = await freePort();
    const password = randomBytes(16).toString("hex");
    const server = await startServer(
      guard,
      {
        image: images.postgres,
        command: ["postgres", ...postgresArguments(options)],
        environment: {
          POSTGRES_USER: postgresUser,
          POSTGRES_PASSWORD: password,
          POSTGRES_DB: postgresDatabase,
        },
        ports: [{ container: 5432, host: port }],
      },
      (host) => postgresResponds(postgresUrl(host, port, password)),
    );
    return { ...server, url: postgresUrl(server.host, port, password) };
  });
}

/** Java arguments: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/DynamoDBLocal.UsageNotes.html */
const dynamodbLocal = ["-Djava.library.path=./DynamoDBLocal_lib", "-jar", "DynamoDBLocal.jar", "-sharedDb"];

export function dynamodbContainer(options: DynamodbOptions): Promise<DedicatedDynamodb> {
  return withGuard(async (guard) => {
    const port = await freePort();
    const server = await startServer(
      guard,
      {
        image: images.dynamodb,
        // Every user may write to /tmp in every image.
        command: [...dynamodbLocal, ...(options.durable ? ["-dbPath", "/tmp"] : ["-inMemory"])],
        ports: [{ container: 8000, host: port }],
      },
      (host) => dynamodbResponds(`http://${host}:${port}`),
    );
    return {
      ...server,
      url: `http://${server.host}:${port}`,
      region: emulatorRegion,
      credentials: emulatorCredentials,
    };
  });
}

/** Waits until the server responds. Any response counts, even an error. */
async function dynamodbResponds(url: string): Promise<void> {
  await waitUntil("DynamoDB Local did not respond", 60_000, async () => {
    const response = await fetch(url, { signal: AbortSignal.timeout(5_000) }).catch(() => undefined);
    await response?.body?.cancel();
    return response && true;
  });
}
