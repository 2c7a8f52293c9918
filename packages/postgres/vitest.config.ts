import { defineProject } from "vitest/config";

export default defineProject({
  test: {
    name: "postgres",
    // Built files need no transformation.
    server: { deps: { external: [/\/dist\//] } },
    include: ["test/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    globalSetup: ["@manykv/test-services/setup/postgres"],
  },
});
