import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

// One run for the whole workspace: servers start once, and the closing line counts everything.
export default defineConfig({
  test: {
    // Most tests wait for servers and deadlines: with one worker, the default on two cores, they would do so in turn.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      "packages/core",
      "packages/memory",
      "packages/redis",
      "packages/postgres",
      "packages/dynamodb",
      "packages/manykv",
      "packages/test-services",
      "conformance",
      "examples",
    ],
    reporters: [process.env["CI"] ? "dot" : "default", "@manykv/test-services/closing-line-reporter"],
  },
});
