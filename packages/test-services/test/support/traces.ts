import { readdirSync } from "node:fs";
import { connect } from "node:net";
import type { Service } from "@manykv/test-services";
import { getContainerRuntimeClient } from "testcontainers";
import { setEnvironment } from "./environment.js";
import { temporaryFolder } from "./temporary-folder.js";

/** What can be seen of a service on this machine besides its port. */
export interface Traces {
  /** Folders of local processes. */
  folders(): string[];
  /** Containers, running or not. */
  containers(service: Service): Promise<string[]>;
}

/** Data of every local process from here on goes to a folder that can be looked into. */
export function traces(): Traces {
  const folder = temporaryFolder();
  setEnvironment({ TMPDIR: folder });
  return {
    // Testcontainers leaves a lock file of its own.
    folders: () => readdirSync(folder).filter((name) => name.startsWith("manykv-")),
    containers: async ({ source, port }) => (source === "container" ? containersAt([port]) : []),
  };
}

/** Containers, running or not, that publish one of the ports. */
export async function containersAt(ports: readonly number[]): Promise<string[]> {
  const { container } = await getContainerRuntimeClient();
  const all = await container.dockerode.listContainers({ all: true });
  const published = await Promise.all(
    all.map(async ({ Id }) => {
      // One that is removed in the meantime publishes nothing.
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
