import { type Service, startDynamodb, startPostgres, startRedis, startRedisCluster } from "@manykv/test-services";
import type { ServiceName } from "./targets.js";

export interface Servers extends AsyncDisposable {
  /** The variables with which the harnesses and tests of each process find the servers. */
  readonly environments: readonly Readonly<Record<string, string>>[];
}

interface Starter {
  readonly variable: string;
  start(): Promise<Service>;
}

const starters: Readonly<Record<ServiceName, Starter>> = {
  redis: { variable: "MANYKV_REDIS_URL", start: startRedis },
  "redis-cluster": { variable: "MANYKV_REDIS_CLUSTER_URL", start: startRedisCluster },
  postgres: { variable: "MANYKV_POSTGRES_URL", start: startPostgres },
  dynamodb: { variable: "MANYKV_DYNAMODB_URL", start: startDynamodb },
};

/** Starts the servers once for each of the processes, so that no process changes what another one sees. */
export async function startServers(names: readonly ServiceName[], processes: number): Promise<Servers> {
  const environments: Readonly<Record<string, string>>[] = [];
  const services: Service[] = [];
  while (environments.length < processes) {
    const environment: Record<string, string> = {};
    for (const name of names) {
      const { variable, start } = starters[name];
      const service = await start();
      services.push(service);
      environment[variable] = service.url;
      if (name === "dynamodb")
        Object.assign(environment, {
          AWS_REGION: "us-east-1",
          AWS_ACCESS_KEY_ID: "manykv",
          AWS_SECRET_ACCESS_KEY: "manykv",
          ...process.env,
        });
    }
    environments.push(environment);
  }
  return {
    environments,
    [Symbol.asyncDispose]: async () => {
      for (const service of services) await service.stop();
    },
  };
}
