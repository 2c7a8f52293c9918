import { conformanceSuite, skipSubject } from "@manykv/conformance";
import { portableLimits } from "@manykv/core";
import { describe, test } from "vitest";
import { postgresDriver } from "../src/index.js";
import { testTable } from "./support/test-table.js";

const table = testTable();

conformanceSuite(
  { describe: describe.concurrent, test },
  {
    name: "postgres with lowered limits",
    // The tests of @manykv/memory run the cases about core with the same limits.
    skip: skipSubject("core", "conformance.test.ts runs it"),
    driver: () => postgresDriver({ url: table.url, table: table.name }),
    options: { limits: { ...portableLimits, maxKeyBytes: 300 }, requestLimits: { maxKeys: 3, maxBytes: 2_000 } },
  },
);
