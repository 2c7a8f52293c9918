import { postgresStore } from "@manykv/postgres";
import pg from "pg";
import type { Contender } from "../../measure/contender.js";
import { manykv } from "../manykv.js";
import { parametersOf, statementOf } from "./messages.js";
import { Tape } from "./tape.js";

/** Servers from this version on say what it takes them to put the rows on the wire. */
const serializes = 17;

/**
 * What the server itself says that the library's statement took it, without the wire and the client.
 * https://www.postgresql.org/docs/current/sql-explain.html
 */
export async function serverTime(url: string, table: string): Promise<Contender> {
  const pool = new pg.Pool({ connectionString: url, idleTimeoutMillis: 0 });
  const tape = new Tape(pool);
  const library = await manykv(postgresStore({ pool, table }));
  const explain = await explanation(pool);
  return {
    name: "the server's own time",
    kind: "floor",
    async prepare(lot) {
      const { set, get } = await library.prepare(lot);
      if (set === undefined || get === undefined) throw new Error("nothing to explain");
      await set();
      const [track] = await tape.record(get);
      if (track === undefined) throw new Error("nothing was asked");
      const name = statementOf(track.bytes);
      const { rows } = await pool.query<{ statement: string }>(
        "SELECT statement FROM pg_prepared_statements WHERE name = $1",
        [name],
      );
      const text = `${explain} ${rows[0]?.statement}`;
      const values = parametersOf(track.bytes);
      return {
        readBack: get,
        clock: { get: () => timeOf(pool, text, values) },
      };
    },
    close: async () => {
      await library.close();
      await pool.end();
    },
  };
}

async function explanation(pool: pg.Pool): Promise<string> {
  const { rows } = await pool.query<{ server_version_num: string }>("SHOW server_version_num");
  const version = Math.floor(Number(rows[0]?.server_version_num) / 10_000);
  return `EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON${version >= serializes ? ", SERIALIZE BINARY" : ""})`;
}

interface Explained {
  readonly "QUERY PLAN": readonly { readonly "Execution Time": number }[];
}

async function timeOf(pool: pg.Pool, text: string, values: readonly Buffer[]): Promise<number> {
  const { rows } = await pool.query<Explained>(text, [...values]);
  const time = rows[0]?.["QUERY PLAN"][0]?.["Execution Time"];
  if (time === undefined) throw new Error("the server does not say how long it took");
  return time;
}
