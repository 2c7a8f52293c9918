import { postgresStore } from "@manykv/postgres";
import { randomName, startPostgres } from "@manykv/test-services";
import pg from "pg";
import { manykv } from "../contenders/manykv.js";
import { keyvPostgres } from "../contenders/postgres/keyv.js";
import { pgPool } from "../contenders/postgres/pool.js";
import { readyBytes } from "../contenders/postgres/ready-bytes.js";
import { serverTime } from "../contenders/postgres/server-time.js";
import type { Backend } from "./backend.js";

/** Rounds after which the rows that they deleted are cleared away. */
const roundsPerVacuum = 10;

export const postgres: Backend = {
  name: "postgres",
  mostKeys: 100_000,
  async open() {
    const service = await startPostgres();
    const { url } = service;
    const maintenance = new pg.Pool({ connectionString: url, max: 1 });
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
      tracks: {
        batch: async () => [
          await manykv(postgresStore({ url, table: randomName() })),
          await pgPool(new pg.Pool({ connectionString: url })),
          keyvPostgres(url),
          await readyBytes(url),
          await serverTime(url),
        ],
      },
      [Symbol.asyncDispose]: async () => {
        await maintenance.end();
        await service.stop();
      },
    };
  },
};
