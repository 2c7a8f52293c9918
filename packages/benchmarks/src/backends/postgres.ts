import { postgresStore } from "@manykv/postgres";
import { startPostgres } from "@manykv/test-services";
import pg from "pg";
import { keyvPostgres } from "../contenders/libraries.js";
import { manykv, manykvKeyByKey } from "../contenders/manykv.js";
import { pgKeyByKey, pgPool, postgresJs } from "../contenders/postgres.js";
import { recordedBytes, serverTime } from "../contenders/postgres-floors.js";
import { type Contender, ContenderSet } from "../measure/contender.js";
import { type Backend, type RunningBackend, ScratchTables, through } from "./backend.js";

export const postgres: Backend = {
  name: "postgres",
  title: "Postgres",
  keysPerSample: 200,
  mostVolumeKeys: 1_000_000,
  start,
  openStore: ({ url, table }, timeout) => postgresStore({ url, timeout, ...(table && { table }) }),
};

async function start(): Promise<RunningBackend> {
  const service = await startPostgres({ print: console.error });
  const { url } = service;
  const maintenance = new pg.Pool({ connectionString: url, max: 1 });
  const scratch = (): ScratchTables => new ScratchTables((table) => maintenance.query(`DROP TABLE IF EXISTS ${table}`));
  const storeTables = scratch();
  let tables = scratch();
  return {
    server: service.description,
    address: service,
    contenders: async (scope, keys) => {
      tables = scratch();
      const contenders: (Contender | Promise<Contender>)[] = [
        manykv(postgresStore({ url, table: tables.next() })),
        pgPool(url, tables.next()),
        postgresJs(url, tables.next()),
      ];
      if (keys === 1) {
        contenders.push(
          pgPool(url, tables.next(), { singleKey: "array" }),
          postgresJs(url, tables.next(), { singleKey: "array" }),
        );
      }
      if (scope === "all") {
        contenders.push(
          keyvPostgres(url, tables.next()),
          recordedBytes(url, tables.next()),
          serverTime(url, tables.next()),
        );
      }
      return ContenderSet.open(contenders, [tables]);
    },
    // In a table without these rows, the server would scan the whole table. In a real table, it uses the index.
    background: 20_000,
    // Deleted rows would slow down the next round, which uses the same keys.
    cleanUp: async () => {
      await maintenance.query(`VACUUM (ANALYZE, INDEX_CLEANUP ON) ${tables.names.join()}`);
    },
    contendersOver: async (link) => {
      tables = scratch();
      const far = through(url, link);
      const table = tables.next();
      return ContenderSet.open(
        [
          manykv(postgresStore({ url: far, table })),
          manykvKeyByKey(postgresStore({ url: far, table })),
          manykvKeyByKey(postgresStore({ url: far, table }), { coalesce: true }),
          pgKeyByKey(far, tables.next()),
          pgPool(far, tables.next()),
        ],
        [tables],
      );
    },
    storeAddress: () => ({ backend: "postgres", url, table: storeTables.next() }),
    [Symbol.asyncDispose]: async () => {
      await storeTables[Symbol.asyncDispose]();
      await maintenance.end();
      await service.stop();
    },
  };
}
