import { availableParallelism } from "node:os";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";

/** Returns the settings of the tests in a folder. `servers` are the servers that the tests need. */
function project(root: string, ...servers: readonly string[]): TestProjectInlineConfiguration {
  return {
    test: {
      name: basename(root),
      root: fileURLToPath(new URL(root, import.meta.url)),
      // Built files need no transformation.
      server: { deps: { external: [/\/dist\//] } },
      include: ["{test,examples}/**/*.test.ts"], // conformance has examples with tests
      globalSetup: servers.map((name) => `@manykv/test-services/setup/${name}`),
      // The files of a project share processes, so that each process loads the client libraries once. Some files of manykv
      // and redis change how modules are loaded.
      isolate: ["packages/manykv", "packages/redis"].includes(root),
      testTimeout: 120_000,
      hookTimeout: 180_000,
    },
  };
}

const everyServer = ["redis", "redis-cluster", "postgres", "dynamodb"];

// One run for the whole workspace: servers start once, and the closing line counts everything.
export default defineConfig({
  test: {
    // Most tests wait for servers and deadlines, so more files than cores can run together.
    maxWorkers: Math.max(4, availableParallelism()),
    projects: [
      project("packages/core"),
      project("packages/memory"),
      project("packages/redis", "redis", "redis-cluster"),
      project("packages/postgres", "postgres"),
      project("packages/dynamodb", "dynamodb"),
      project("packages/manykv", ...everyServer),
      project("packages/wasi", ...everyServer),
      project("packages/test-services", ...everyServer),
      "packages/reliability/vitest.quick.config.ts",
      project("packages/mutation"),
      project("conformance"),
      project("examples", ...everyServer),
    ],
    reporters: [process.env["CI"] ? "dot" : "default", "@manykv/test-services/closing-line-reporter"],
  },
});
