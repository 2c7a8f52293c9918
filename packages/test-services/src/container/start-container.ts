import { lookup } from "node:dns/promises";
import { GenericContainer, getContainerRuntimeClient, Wait } from "testcontainers";
import type { Breakable, Service } from "../service.js";
import { retryStart } from "../support/retry.js";
import { ContainerGuard } from "./guard.js";

export interface ContainerSpecification {
  readonly image: string;
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Published ports. The ports on the host are fixed, so that they stay the same when the container restarts. */
  readonly ports: readonly { container: number; host: number }[];
}

export interface Container {
  /** IP address at which the published ports can be reached. */
  readonly host: string;
  /** Runs a program in the container and waits until it ends. Rejects with its output if the program fails. */
  run(command: readonly string[]): Promise<void>;
  /** Kills every process in the container with SIGKILL. Resolves when the container has stopped. */
  kill(): Promise<void>;
  /** Starts the container again. The container keeps its files. */
  start(): Promise<void>;
}

/** Starts a container, which the guard removes when the guard stops. */
export async function startContainer(guard: ContainerGuard, specification: ContainerSpecification): Promise<Container> {
  const started = await new GenericContainer(specification.image)
    .withCommand([...specification.command])
    .withEnvironment({ ...specification.environment })
    .withExposedPorts(...specification.ports)
    .withLabels({ ...guard.labels })
    // The caller checks with a client whether the server responds.
    .withWaitStrategy(Wait.forSuccessfulCommand("true"))
    .start();
  const { container: client } = await getContainerRuntimeClient();
  const container = client.getById(started.getId());
  return {
    host: (await lookup(started.getHost(), 4)).address,
    run: async (command) => {
      const { exitCode, output } = await started.exec([...command]);
      if (exitCode !== 0) throw new Error(`${command[0]} failed in ${specification.image}: ${output}`);
    },
    kill: async () => {
      if (!(await container.inspect()).State.Running) return;
      const stopped = container.wait();
      await container.kill();
      await stopped;
    },
    start: () => container.start(),
  };
}

/** Starts a container that runs one server on its first port, and waits until the server responds. */
export async function startServer(
  guard: ContainerGuard,
  specification: ContainerSpecification,
  responds: (host: string) => Promise<void>,
): Promise<Omit<Service, "url"> & Breakable> {
  const container = await startContainer(guard, specification);
  const { host } = container;
  const port = specification.ports[0]?.host ?? 0;
  await responds(host);
  return {
    source: "container",
    description: `container ${specification.image} at ${host}:${port}`,
    host,
    port,
    kill: container.kill,
    restart: async () => {
      await container.kill();
      await container.start();
      await responds(host);
    },
    stop: () => guard.stop(),
    [Symbol.asyncDispose]: () => guard.stop(),
  };
}

/** Calls `start` with a guard. If `start` fails, stops the guard, and tries again if the reason is a port in use. */
export function withGuard<T>(start: (guard: ContainerGuard) => Promise<T>): Promise<T> {
  return retryStart(
    async () => {
      const guard = await ContainerGuard.start();
      try {
        return await start(guard);
      } catch (error) {
        await guard.stop();
        throw error;
      }
    },
    (error) => /port is already allocated|address already in use/i.test(String(error)),
  );
}
