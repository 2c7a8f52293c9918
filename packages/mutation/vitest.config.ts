import { defineProject } from "vitest/config";

export default defineProject({
  test: {
    name: "mutation",
    // Built files need no transformation.
    server: { deps: { external: [/\/dist\//] } },
    include: ["test/**/*.test.ts"],
    testTimeout: 60_000,
  },
});
