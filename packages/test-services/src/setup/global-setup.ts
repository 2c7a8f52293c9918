import type { TestProject } from "vitest/node";
import { acquire, prepare, release, SERVICE_NAMES, type ServiceName } from "./shared-services.js";

/** What vitest calls before a project's first test; what it returns is called after the last. */
export type GlobalSetup = (project: TestProject) => Promise<() => Promise<void>>;

/** Serves the project's tests one kind of server, whose address they get from `serviceUrl(name)`. */
export function globalSetup(name: ServiceName): GlobalSetup {
  return async (project) => {
    // Vitest runs the setups of a project one after the other; its servers start side by side all the same.
    for (const each of SERVICE_NAMES) if (asksFor(project, each)) prepare(each);
    const { url } = await acquire(name);
    project.provide(`manykv:${name}`, url);
    return () => releaseOrFail(name);
  };
}

/** Vitest only prints what a teardown throws; a server that cannot be stopped must fail the run. */
async function releaseOrFail(name: ServiceName): Promise<void> {
  try {
    await release(name);
  } catch (error) {
    process.exitCode = 1;
    throw error;
  }
}

function asksFor(project: TestProject, name: ServiceName): boolean {
  const files: readonly string[] = [project.config.globalSetup].flat();
  return files.some((file) => file.endsWith(`/test-services/dist/setup/${name}.js`));
}
