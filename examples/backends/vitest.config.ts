import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    name: "backends",
    // Built files need no transformation.
    server: { deps: { external: [/\/dist\//] } },
    include: ["test/**/*.test.ts"],
    globalSetup: [
      "test/support/required-programs.ts",
      "@manykv/test-services/setup/redis",
      "@manykv/test-services/setup/postgres",
    ],
    testTimeout: 300_000,
    hookTimeout: 120_000,
    // Most cases wait for deadlines, so more files than cores can run together.
    maxWorkers: 8,
    reporters: [process.env["CI"] ? "dot" : "default", "@manykv/test-services/closing-line-reporter"],
  },
});
