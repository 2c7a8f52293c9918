import { conformanceSuite } from "@manykv/conformance";
import { describe, test } from "vitest";
import { dynamodbDriver } from "../src/index.js";
import { testTable } from "./support/test-table.js";

const { name: table, endpoint } = testTable();

conformanceSuite({ describe, test }, { name: "dynamodb", driver: () => dynamodbDriver({ table, endpoint }) });
