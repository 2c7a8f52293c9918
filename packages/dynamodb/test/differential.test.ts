import { differential } from "@manykv/conformance";
import { memoryStore } from "@manykv/memory";
import { test } from "vitest";
import { dynamodbStore } from "../src/index.js";
import { testTable } from "./support/test-table.js";

const limits = { maxValueBytes: 2_000 };
const { name: table, endpoint } = testTable();

test("10,000 random calls return the same results as the memory backend", { timeout: 900_000 }, async () => {
  await using subject = dynamodbStore({ table, endpoint, limits, timeout: 60_000 });
  await using reference = memoryStore({ limits });
  await differential({ subject, reference });
});
