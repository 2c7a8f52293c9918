import pg from "pg";
import type { Contender } from "../../measure/contender.js";
import { sameBytes } from "../same-bytes.js";

/** The client with a statement for each key, all of them at once: as many in flight as the pool has connections. */
export async function pgKeyByKey(url: string, table: string): Promise<Contender> {
  const pool = new pg.Pool({ connectionString: url });
  await pool.query(`CREATE TABLE ${table} (key text PRIMARY KEY, value bytea NOT NULL)`);
  return {
    name: "pg, key by key",
    kind: "client",
    prepare({ keys, values, readKeys }) {
      const buffers = values.map(sameBytes);
      return {
        set: () =>
          Promise.all(
            keys.map((key, index) =>
              pool.query(
                `INSERT INTO ${table} VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
                [key, buffers[index]],
              ),
            ),
          ),
        get: async () => {
          const answers = await Promise.all(
            readKeys.map((key) =>
              pool.query<{ value: Buffer }>(`SELECT value FROM ${table} WHERE key = $1`, [key]),
            ),
          );
          return () => answers.map(({ rows }) => rows[0]?.value);
        },
        delete: () =>
          Promise.all(keys.map((key) => pool.query(`DELETE FROM ${table} WHERE key = $1`, [key]))),
      };
    },
    close: () => pool.end(),
  };
}
