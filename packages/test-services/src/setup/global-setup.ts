import type { TestProject } from "vitest/node";
import { acquire, release, type ServiceName } from "./shared-services.js";

/** What vitest calls before a project's first test; what it returns is called after the last. */
export type GlobalSetup = (project: TestProject) => Promise<() => Promise<void>>;

/** Serves the project's tests one kind of server, whose address they get from `serviceUrl(name)`. */
export function globalSetup(name: ServiceName): GlobalSetup {
  return async (project) => {
    const { url } = await acquire(name);
    project.provide(`manykv:${name}`, url);
    return () => release(name);
  };
}
