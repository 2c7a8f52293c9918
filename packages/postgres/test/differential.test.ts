import { differential } from "@manykv/conformance";
import { memoryStore } from "@manykv/memory";
import { test } from "vitest";
import { postgresStore } from "../src/index.js";
import { testTable } from "./support/test-table.js";

const limits = { maxValueBytes: 2_000 };
const table = testTable();

test("10,000 random calls return the same results as a memory store", { timeout: 900_000 }, async () => {
  await using subject = postgresStore({ url: table.url, table: table.name, limits, timeout: 60_000 });
  await using reference = memoryStore({ limits });
  await differential({ subject, reference });
});
