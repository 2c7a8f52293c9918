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
import type { Arena, Backend } from "./backend.js";
import { field } from "./field.js";
import { ScratchTables } from "./scratch-tables.js";
import { through } from "./through.js";

export const postgres: Backend = {
  name: "postgres",
  mostKeys: 100_000,
  mostVolumeKeys: 1_000_000,
  open,
  openStore: ({ url, table }, timeout) => postgresStore({ url, table, timeout }),
};

async function open(): Promise<Arena> {
  const service = await startPostgres();
  const { url, host, port } = service;
  const maintenance = new pg.Pool({ connectionString: url, max: 1 });
  const scratch = (): ScratchTables =>
    new ScratchTables((table) => maintenance.query(`DROP TABLE IF EXISTS ${table}`));
  const volumes = scratch();
  let inUse = scratch();
  return {
    server: service.description,
    course: {
      keysPerSample: 100,
      // A table that holds nothing else would be read whole, which no real one is.
      background: 20_000,
      // What a round deleted would slow down the next one, whose keys are the same.
      betweenRounds: async () => {
        await maintenance.query(`VACUUM (ANALYZE, INDEX_CLEANUP ON) ${inUse.names.join()}`);
      },
    },
    batch: async () => {
      const tables = scratch();
      inUse = tables;
      return field(
        [
          await manykv(postgresStore({ url, table: tables.next() })),
          await pgPool(url, tables.next()),
          keyvPostgres(url, tables.next()),
          await readyBytes(url, tables.next()),
          await serverTime(url, tables.next()),
        ],
        { tables },
      );
    },
    distance: async (delay) => {
      const link = await openLink(host, port, delay);
      const far = through(url, link);
      const tables = scratch();
      inUse = tables;
      const table = tables.next();
      return field(
        [
          await manykv(postgresStore({ url: far, table })),
          await manykvSingle(postgresStore({ url: far, table })),
          await manykvCoalesced(postgresStore({ url: far, table })),
          await pgKeyByKey(far, tables.next()),
          await pgPool(far, tables.next()),
        ],
        { link, tables },
      );
    },
    volume: async () => ({ backend: "postgres", url, table: volumes.next() }),
    [Symbol.asyncDispose]: async () => {
      await volumes[Symbol.asyncDispose]();
      await maintenance.end();
      await service.stop();
    },
  };
}
