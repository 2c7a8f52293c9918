import { defineConfig } from "vitest/config";

// One run for the whole workspace: servers start once, and the closing line counts everything.
export default defineConfig({
  test: {
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
