import { defineProject } from "vitest/config";

export default defineProject({
  test: {
    name: "dynamodb",
    // Built files need no transformation.
    server: { deps: { external: [/\/dist\//] } },
    include: ["test/**/*.test.ts"],
    globalSetup: ["@manykv/test-services/setup/dynamodb"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
