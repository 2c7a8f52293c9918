import { randomName } from "@manykv/test-services";
import { serviceUrl } from "@manykv/test-services/vitest";
import pg from "pg";
import { afterAll, beforeAll } from "vitest";
import { postgresStore } from "../../src/index.js";

/** A table for one test file on the shared server, created before its tests and dropped after them. */
export interface TestTable {
  readonly name: string;
  readonly url: string;
  /** A separate pool with which tests inspect and change the table without the driver. */
  readonly admin: pg.Pool;
}

export function testTable(): TestTable {
  const name = randomName();
  const url = serviceUrl("postgres");
  const admin = new pg.Pool({ connectionString: url, max: 4 });
  beforeAll(async () => {
    await using store = postgresStore({ url, table: name });
    await store.provision();
  });
  afterAll(async () => {
    await admin.query(`DROP TABLE IF EXISTS "${name}"`);
    await admin.end();
  });
  return { name, url, admin };
}
