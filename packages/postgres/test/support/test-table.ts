import { randomName } from "@manykv/test-services";
import { serviceUrl } from "@manykv/test-services/vitest";
import pg from "pg";
import { afterAll, beforeAll } from "vitest";
import { postgresStore } from "../../src/index.js";

/** A table of this file's own on the shared server, made before its tests and dropped behind them. */
export interface TestTable {
  readonly name: string;
  readonly url: string;
  /** A connection beside the store's, to look at what is there. */
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
