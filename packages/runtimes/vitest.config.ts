import { defineProject } from "vitest/config";

export default defineProject({
  test: {
    name: "runtimes",
    // Built files need no transformation.
    server: { deps: { external: [/\/dist\//] } },
    include: ["test/**/*.test.ts"],
    globalSetup: [
      "./test/support/unpack-packages.ts",
      "@manykv/test-services/setup/redis",
      "@manykv/test-services/setup/redis-cluster",
      "@manykv/test-services/setup/postgres",
      "@manykv/test-services/setup/dynamodb",
    ],
    // Most runs wait for deadlines, so more files and runs than cores can run together.
    maxWorkers: 2,
    maxConcurrency: 4,
    testTimeout: 960_000,
    hookTimeout: 120_000,
  },
});
