import { defineProject } from "vitest/config";

export default defineProject({
  test: {
    name: "redis",
    // Built files need no transformation.
    server: { deps: { external: [/\/dist\//] } },
    include: ["test/**/*.test.ts"],
    globalSetup: ["@manykv/test-services/setup/redis", "@manykv/test-services/setup/redis-cluster"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
