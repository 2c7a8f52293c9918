import { randomName } from "@manykv/test-services";
import type pg from "pg";

type TemporaryTable = AsyncDisposable & { readonly name: string };

/** Creates a table with the given columns. Disposing of the result drops the table. */
export async function temporaryTable(admin: pg.Pool, columns: string): Promise<TemporaryTable> {
  const name = randomName();
  await admin.query(`CREATE TABLE "${name}" (${columns})`);
  return { name, [Symbol.asyncDispose]: () => drop(admin, name) };
}

/** Creates a table with `partitions` partitions by the hash of the key. Disposing of the result drops the table. */
export async function partitionedTable(admin: pg.Pool, partitions: number): Promise<TemporaryTable> {
  const name = randomName();
  await admin.query(`CREATE TABLE "${name}" (key bytea PRIMARY KEY, value bytea NOT NULL) PARTITION BY HASH (key)`);
  for (let remainder = 0; remainder < partitions; remainder++) {
    await admin.query(
      `CREATE TABLE "${name}_${remainder}" PARTITION OF "${name}"
        FOR VALUES WITH (MODULUS ${partitions}, REMAINDER ${remainder})`,
    );
  }
  return { name, [Symbol.asyncDispose]: () => drop(admin, name) };
}

async function drop(admin: pg.Pool, name: string): Promise<void> {
  await admin.query(`DROP TABLE "${name}"`);
}
