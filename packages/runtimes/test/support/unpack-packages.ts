import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";
import { packAll } from "../../../../examples/test/support/packages.js";
import { run } from "../../../../examples/test/support/repository.js";

const root = fileURLToPath(new URL("../..", import.meta.url));

declare module "vitest" {
  interface ProvidedContext {
    "manykv:application": string;
  }
}

/** Creates the application of this run: the packed packages in `node_modules`, and a copy of `programs`. */
export default async function unpackPackages(project: TestProject): Promise<() => void> {
  // The folder is inside this package, so that programs find the clients, agents and test runners of this package.
  const application = mkdtempSync(join(root, ".application-"));
  project.provide("manykv:application", application);
  const tarballs = mkdtempSync(join(tmpdir(), "manykv-runtimes-"));
  try {
    for (const [name, tarball] of await packAll(tarballs)) {
      const folder = join(application, "node_modules", name);
      mkdirSync(folder, { recursive: true });
      await run("tar", ["-xzf", tarball, "--strip-components=1", "-C", folder]);
    }
  } finally {
    rmSync(tarballs, { recursive: true, force: true });
  }
  cpSync(join(root, "programs"), application, { recursive: true });
  return () => rmSync(application, { recursive: true, force: true });
}
