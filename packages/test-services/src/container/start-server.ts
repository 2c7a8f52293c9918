import type { Breakable, Service } from "../service.js";
import type { ContainerGuard } from "./guard.js";
import { type ContainerSpecification, startContainer } from "./start-container.js";

/** Starts a container that is one server at its first port, and waits until that answers. */
export async function startServer(
  guard: ContainerGuard,
  specification: ContainerSpecification,
  answers: (host: string) => Promise<void>,
): Promise<Omit<Service, "url"> & Breakable> {
  const container = await startContainer(guard, specification);
  const { host } = container;
  const port = specification.ports[0]?.host ?? 0;
  await answers(host);
  return {
    source: "container",
    description: `container ${specification.image} at ${host}:${port}`,
    host,
    port,
    kill: container.kill,
    restart: async () => {
      await container.kill();
      await container.start();
      await answers(host);
    },
    stop: () => guard.stop(),
    [Symbol.asyncDispose]: () => guard.stop(),
  };
}
