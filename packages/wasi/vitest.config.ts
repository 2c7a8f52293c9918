import { defineProject } from "vitest/config";

export default defineProject({
  test: {
    name: "wasi",
    // Built files need no transformation.
    server: { deps: { external: [/\/dist\//] } },
    include: ["test/**/*.test.ts"],
    globalSetup: [
      "@manykv/test-services/setup/redis",
      "@manykv/test-services/setup/redis-cluster",
      "@manykv/test-services/setup/postgres",
      "@manykv/test-services/setup/dynamodb",
    ],
    testTimeout: 120_000,
    hookTimeout: 180_000,
  },
});
