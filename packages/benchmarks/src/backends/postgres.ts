import { postgresStore } from "@manykv/postgres";
import { startPostgres } from "@manykv/test-services";
import pg from "pg";
import { manykv } from "../contenders/manykv.js";
import { manykvCoalesced, manykvSingle } from "../contenders/manykv-single.js";
import { pgKeyByKey } from "../contenders/postgres/key-by-key.js";
import { keyvPostgres } from "../contenders/postgres/keyv.js";
import { pgPool } from "../contenders/postgres/pool.js";
import { readyBytes } from "../contenders/postgres/ready-bytes.js";
import { serverTime } from "../contenders/postgres/server-time.js";
import { openLink } from "../distance/link.js";
import type { Backend } from "./backend.js";
import { field } from "./field.js";
import { ScratchTables } from "./scratch-tables.js";
import { through } from "./through.js";

/** Rounds after which the rows that they deleted are cleared away. */
const roundsPerVacuum = 10;

export const postgres: Backend = {
  name: "postgres",
  mostKeys: 100_000,
  async open() {
    const service = await startPostgres();
    const { url, host, port } = service;
    const maintenance = new pg.Pool({ connectionString: url, max: 1 });
    const tables = new ScratchTables((table) => maintenance.query(`DROP TABLE IF EXISTS ${table}`));
    let rounds = 0;
    return {
      server: service.description,
      course: {
        keysPerSample: 100,
        // A table that holds nothing else would be read whole, which no real one is.
        background: 20_000,
        betweenRounds: async () => {
          if (rounds++ % roundsPerVacuum === 0) await maintenance.query("VACUUM ANALYZE");
        },
      },
      batch: async () =>
        field([
          await manykv(postgresStore({ url, table: tables.next() })),
          await pgPool(url, tables.next()),
          keyvPostgres(url, tables.next()),
          await readyBytes(url, tables.next()),
          await serverTime(url, tables.next()),
        ]),
      distance: async (delay) => {
        const link = await openLink(host, port, delay);
        const far = through(url, link);
        const table = tables.next();
        return field(
          [
            await manykv(postgresStore({ url: far, table })),
            await manykvSingle(postgresStore({ url: far, table })),
            await manykvCoalesced(postgresStore({ url: far, table })),
            await pgKeyByKey(far, tables.next()),
            await pgPool(far, tables.next()),
          ],
          link,
        );
      },
      volume: async () => ({ backend: "postgres", url, table: tables.next() }),
      [Symbol.asyncDispose]: async () => {
        await tables[Symbol.asyncDispose]();
        await maintenance.end();
        await service.stop();
      },
    };
  },
  openStore: ({ url, table }, timeout) => postgresStore({ url, table, timeout }),
};
