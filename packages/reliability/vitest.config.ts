import { defineProject } from "vitest/config";

export default defineProject({
  test: {
    name: "reliability",
    // Built files need no transformation.
    server: { deps: { external: [/\/dist\//] } },
    include: ["test/**/*.test.ts"],
    setupFiles: ["src/simulation/virtual-time.ts"], // before core
    testTimeout: 180_000,
    hookTimeout: 120_000,
  },
});
