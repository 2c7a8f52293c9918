import { readdirSync } from "node:fs";
import { connect } from "node:net";
import type { Service } from "@manykv/test-services";
import { getContainerRuntimeClient } from "testcontainers";
import { setEnvironment } from "./environment.js";
import { temporaryFolder } from "./temporary-folder.js";

/** Lists the folders and containers that a service creates on this machine. */
export interface Traces {
  /** Returns the names of the folders of local processes. */
  folders(): string[];
  /** Returns the ids of the service's containers, running or stopped. */
  containers(service: Service): Promise<string[]>;
}

/** Makes local processes that start later in the current test use a new folder. Returns the traces of services. */
export function traces(): Traces {
  const folder = temporaryFolder();
  setEnvironment({ TMPDIR: folder });
  return {
    // Ignore the lock file of Testcontainers.
    folders: () => readdirSync(folder).filter((name) => name.startsWith("manykv-")),
    containers: async ({ source, port }) => (source === "container" ? containersAt([port]) : []),
  };
}

/** Returns the ids of the containers, running or stopped, that publish one of the ports. */
export async function containersAt(ports: readonly number[]): Promise<string[]> {
  const { container } = await getContainerRuntimeClient();
  const all = await container.dockerode.listContainers({ all: true });
  const published = await Promise.all(
    all.map(async ({ Id }) => {
      // A container that has been removed since the listing publishes nothing.
      const { HostConfig } = await container
        .getById(Id)
        .inspect()
        .catch(() => ({ HostConfig: {} }));
      return JSON.stringify(HostConfig);
    }),
  );
  return all
    .filter((_, index) => ports.some((port) => published[index]?.includes(`"HostPort":"${port}"`)))
    .map(({ Id }) => Id);
}

export function listens({ host, port }: { host: string; port: number }): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    socket.once("error", () => resolve(false));
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}
