import { conformanceSuite } from "@manykv/conformance";
import { portableLimits } from "@manykv/core";
import { describe, test } from "vitest";
import { sharedMemory } from "./shared-memory.js";

conformanceSuite(
  { describe: describe.concurrent, test },
  {
    name: "memory",
    driver: sharedMemory(),
    modelRuns: 1_000,
    child: { file: new URL("./support/child.mjs", import.meta.url) },
  },
);

// The same suite with lowered limits, so that batches are split.
conformanceSuite(
  { describe: describe.concurrent, test },
  {
    name: "memory with lowered limits",
    driver: sharedMemory(),
    options: {
      limits: { ...portableLimits, maxKeyBytes: 300 },
      requestLimits: { maxKeys: 3, maxBytes: 2_000 },
    },
  },
);
