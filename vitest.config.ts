import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

// One run for the whole workspace: servers start once, and the closing line counts everything.
export default defineConfig({
  test: {
    // Most tests wait for servers and deadlines, so more files than cores can run together.
    maxWorkers: Math.max(4, availableParallelism()),
    projects: [
      "packages/core",
      "packages/memory",
      "packages/redis",
      "packages/postgres",
      "packages/dynamodb",
      "packages/manykv",
      "packages/wasi",
      "packages/test-services",
      "packages/reliability/vitest.quick.config.ts",
      "packages/mutation",
      "conformance",
      "examples",
    ],
    reporters: [process.env["CI"] ? "dot" : "default", "@manykv/test-services/closing-line-reporter"],
  },
});
