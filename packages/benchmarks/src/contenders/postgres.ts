import type { Pool } from "pg";
import type { Contender } from "../measure/contender.js";
import { asBuffer, load } from "./common.js";

/**
 * How a contender sets, gets and deletes a single key. `row` uses statements for one row. `array` uses the statements
 * for batches, with arrays of one item.
 */
export type SingleKey = "row" | "array";

const columns = "(key text PRIMARY KEY, value bytea NOT NULL)";
const replace = "ON CONFLICT (key) DO UPDATE SET value = excluded.value";

interface Row {
  readonly key: string;
  readonly value: Buffer;
}

/**
 * Returns a contender that uses pg and sends one statement per batch. The parameters of a statement are arrays, except
 * for a single key if `singleKey` is `row`.
 */
export async function pgPool(
  url: string,
  table: string,
  { singleKey = "row" }: { singleKey?: SingleKey } = {},
): Promise<Contender> {
  const { pool, close } = await openPool(url, table);
  const setRow = `INSERT INTO ${table} (key, value) VALUES ($1, $2) ${replace}`;
  const getRow = `SELECT value FROM ${table} WHERE key = $1`;
  const deleteRow = `DELETE FROM ${table} WHERE key = $1`;
  const setArrays = `INSERT INTO ${table} (key, value) SELECT * FROM unnest($1::text[], $2::bytea[]) ${replace}`;
  const getArray = `SELECT key, value FROM ${table} WHERE key = ANY($1)`;
  const deleteArray = `DELETE FROM ${table} WHERE key = ANY($1)`;
  return {
    name: singleKey === "row" ? "pg" : "pg, arrays",
    kind: "client",
    prepare({ keys, values, readKeys }) {
      const buffers = values.map(asBuffer);
      if (keys.length === 1 && singleKey === "row") {
        return {
          set: () => pool.query(setRow, [keys[0], buffers[0]]),
          get: async () => {
            const { rows } = await pool.query<Row>(getRow, [readKeys[0]]);
            return () => [rows[0]?.value];
          },
          delete: () => pool.query(deleteRow, [keys[0]]),
        };
      }
      return {
        set: () => pool.query(setArrays, [keys, buffers]),
        get: async () => {
          const { rows } = await pool.query<Row>(getArray, [readKeys]);
          return () => inOrder(rows, readKeys);
        },
        delete: () => pool.query(deleteArray, [keys]),
      };
    },
    close,
  };
}

/** Returns a contender that uses pg with one statement per key, all started at once. The pool limits concurrency. */
export async function pgKeyByKey(url: string, table: string): Promise<Contender> {
  const { pool, close } = await openPool(url, table);
  const set = `INSERT INTO ${table} (key, value) VALUES ($1, $2) ${replace}`;
  const get = `SELECT value FROM ${table} WHERE key = $1`;
  const remove = `DELETE FROM ${table} WHERE key = $1`;
  return {
    name: "pg, key by key",
    kind: "client",
    prepare({ keys, values, readKeys }) {
      const buffers = values.map(asBuffer);
      return {
        set: () => Promise.all(keys.map((key, index) => pool.query(set, [key, buffers[index]]))),
        get: async () => {
          const answers = await Promise.all(readKeys.map((key) => pool.query<Row>(get, [key])));
          return () => answers.map(({ rows }) => rows[0]?.value);
        },
        delete: () => Promise.all(keys.map((key) => pool.query(remove, [key]))),
      };
    },
    close,
  };
}

async function openPool(url: string, table: string): Promise<{ pool: Pool; close: () => Promise<void> }> {
  const { default: pg } = await load("pg", () => import("pg"));
  const pool = new pg.Pool({ connectionString: url });
  await pool.query(`CREATE TABLE ${table} ${columns}`);
  return { pool, close: () => pool.end() };
}

/** Object identifier of `bytea`: https://www.postgresql.org/docs/current/catalog-pg-type.html */
const byteaType = 17;

/** Returns a contender that uses postgres.js with the statements of `pgPool` as prepared statements. */
export async function postgresJs(
  url: string,
  table: string,
  { singleKey = "row" }: { singleKey?: SingleKey } = {},
): Promise<Contender> {
  const { default: postgres } = await load("postgres.js", () => import("postgres"));
  const sql = postgres(url);
  await sql.unsafe(`CREATE TABLE ${table} ${columns}`);
  const setRow = template(`INSERT INTO ${table} (key, value) VALUES (?, ?) ${replace}`);
  const getRow = template(`SELECT value FROM ${table} WHERE key = ?`);
  const deleteRow = template(`DELETE FROM ${table} WHERE key = ?`);
  const setArrays = template(
    `INSERT INTO ${table} (key, value) SELECT * FROM unnest(?::text[], ?::bytea[]) ${replace}`,
  );
  const getArray = template(`SELECT key, value FROM ${table} WHERE key = ANY(?)`);
  const deleteArray = template(`DELETE FROM ${table} WHERE key = ANY(?)`);
  return {
    name: singleKey === "row" ? "postgres.js" : "postgres.js, arrays",
    kind: "client",
    prepare({ keys, values, readKeys }) {
      const [key, value, readKey] = [keys[0] as string, asBuffer(values[0]), readKeys[0] as string];
      if (keys.length === 1 && singleKey === "row") {
        return {
          set: () => sql(setRow, key, value),
          get: async () => {
            const rows = await sql<Row[]>(getRow, readKey);
            return () => [rows[0]?.value];
          },
          delete: () => sql(deleteRow, key),
        };
      }
      const allKeys = [...keys];
      const asked = [...readKeys];
      const buffers = values.map(asBuffer);
      return {
        set: () => sql(setArrays, allKeys, sql.array(buffers, byteaType)),
        get: async () => {
          const rows = await sql<Row[]>(getArray, asked);
          return () => inOrder(rows, readKeys);
        },
        delete: () => sql(deleteArray, allKeys),
      };
    },
    close: () => sql.end(),
  };
}

/** Converts a statement to the strings of a tagged template. A `?` marks a parameter. */
function template(text: string): TemplateStringsArray {
  const strings = text.split("?");
  return Object.assign(strings, { raw: strings });
}

function inOrder(rows: readonly Row[], keys: readonly string[]): (Buffer | undefined)[] {
  const found = new Map(rows.map(({ key, value }) => [key, value]));
  return keys.map((key) => found.get(key));
}
