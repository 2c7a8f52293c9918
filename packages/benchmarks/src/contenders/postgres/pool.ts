import pg from "pg";
import type { Contender } from "../../measure/contender.js";
import { sameBytes } from "../same-bytes.js";

/** The client as people use it: arrays as parameters, one statement for the batch. */
export async function pgPool(url: string, table: string): Promise<Contender> {
  const pool = new pg.Pool({ connectionString: url });
  await pool.query(`CREATE TABLE ${table} (key text PRIMARY KEY, value bytea NOT NULL)`);
  return {
    name: "pg",
    kind: "client",
    prepare({ keys, values, readKeys }) {
      const buffers = values.map(sameBytes);
      return {
        set: () =>
          pool.query(
            `INSERT INTO ${table} (key, value) SELECT * FROM unnest($1::text[], $2::bytea[])
             ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
            [keys, buffers],
          ),
        get: async () => {
          const { rows } = await pool.query<Row>(`SELECT key, value FROM ${table} WHERE key = ANY($1)`, [
            readKeys,
          ]);
          return () => {
            const found = new Map(rows.map(({ key, value }) => [key, value]));
            return readKeys.map((key) => found.get(key));
          };
        },
        delete: () => pool.query(`DELETE FROM ${table} WHERE key = ANY($1)`, [keys]),
      };
    },
    close: () => pool.end(),
  };
}

interface Row {
  readonly key: string;
  readonly value: Buffer;
}
