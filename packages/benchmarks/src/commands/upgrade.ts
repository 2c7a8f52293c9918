import { spread } from "@manykv/measure";
import { postgresStore } from "@manykv/postgres";
import { startPostgres } from "@manykv/test-services";
import pg from "pg";
import { uniqueName } from "../contenders/common.js";
import { type Row, row, rowTable } from "../report.js";

/** Number of connections that read, and of connections that write, during the upgrade. */
const clientsOfEachKind = 4;

export interface UpgradeReport {
  readonly rows: readonly Row[];
  /** Number of statements that the clients ran during the upgrade. */
  readonly statements: number;
}

/**
 * Measures how long `provision()` takes for a table of the previous version, and for how long it stops clients that run
 * the statements of that version.
 */
export async function runUpgrade(tableRows: number, progress: (text: string) => void): Promise<UpgradeReport> {
  const service = await startPostgres({ print: console.error });
  const pool = new pg.Pool({ connectionString: service.url, max: 2 * clientsOfEachKind });
  const table = uniqueName();
  const store = postgresStore({ url: service.url, table });
  try {
    await pool.query(`CREATE TABLE "${table}" (key bytea PRIMARY KEY, value bytea NOT NULL) WITH (fillfactor = 70)`);
    await pool.query(
      `INSERT INTO "${table}" SELECT convert_to('b:' || number, 'UTF8'), decode(repeat(md5(number::text), 6), 'hex')
        FROM generate_series(1, $1::int) AS number`,
      [tableRows],
    );
    let ended = false;
    let isUpgrading = false;
    let statements = 0;
    let longest = 0;
    const read = { name: "read", text: `SELECT value FROM "${table}" WHERE key = $1` };
    const write = {
      name: "write",
      text: `INSERT INTO "${table}" AS stored (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
    };
    const run = async (text: typeof read, isWrite: boolean): Promise<void> => {
      const client = await pool.connect();
      try {
        while (!ended) {
          const key = Buffer.from(`b:${1 + Math.floor(Math.random() * tableRows)}`);
          const start = performance.now();
          const { rowCount } = await client.query({ ...text, values: isWrite ? [key, key] : [key] });
          if (rowCount !== 1) throw new Error("a statement of the previous version found no row");
          if (!isUpgrading) continue;
          statements++;
          longest = Math.max(longest, performance.now() - start);
        }
      } finally {
        client.release();
      }
    };
    const clients = Array.from({ length: clientsOfEachKind }, () => [run(read, false), run(write, true)]).flat();
    await new Promise((resolve) => setTimeout(resolve, 500));
    isUpgrading = true;
    const start = performance.now();
    await store.provision();
    const upgrade = performance.now() - start;
    isUpgrading = false;
    ended = true;
    await Promise.all(clients);
    const size = `${tableRows.toLocaleString("en")} rows`;
    const against = `${clients.length} clients of the previous version`;
    const rows = [
      row({ operation: "Postgres upgrade", size, against, unit: "ms", bar: 1_000 }, spread([upgrade])),
      row({ operation: "longest statement meanwhile", size, against, unit: "ms", bar: 1_000 }, spread([longest])),
    ];
    progress(`${rowTable(rows)}\n`);
    return { rows, statements };
  } finally {
    await store.close();
    await pool.end();
    await service.stop();
  }
}
