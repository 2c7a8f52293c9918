import { lookup } from "node:dns/promises";
import { GenericContainer, getContainerRuntimeClient, Wait } from "testcontainers";
import { startAgain } from "../support/start-again.js";
import { ContainerGuard } from "./guard.js";

export interface ContainerSpecification {
  readonly image: string;
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Fixed ports of the host, so that a container that is started again has the same. */
  readonly ports: readonly { container: number; host: number }[];
}

export interface Container {
  /** Where the published ports are reached: an IP address. */
  readonly host: string;
  /** Runs a program inside to its end. Rejects with what it wrote unless it succeeds. */
  run(command: readonly string[]): Promise<void>;
  /** SIGKILL of everything inside. */
  kill(): Promise<void>;
  /** Starts it again with the files that it had. */
  start(): Promise<void>;
}

/** Starts one container that ends with its guard. */
export async function startContainer(
  guard: ContainerGuard,
  specification: ContainerSpecification,
): Promise<Container> {
  const started = await new GenericContainer(specification.image)
    .withCommand([...specification.command])
    .withEnvironment({ ...specification.environment })
    .withExposedPorts(...specification.ports)
    .withLabels({ ...guard.labels })
    // Whether the server answers is asked from outside, by its own protocol.
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

/** Runs a start under a guard, again while a port is taken, and leaves nothing behind when it fails. */
export function guarded<T>(start: (guard: ContainerGuard) => Promise<T>): Promise<T> {
  return startAgain(
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
