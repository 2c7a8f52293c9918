import { randomName } from "@manykv/test-services";
import type pg from "pg";

/** A table with columns of a test's choice, until the end of the block. */
export async function temporaryTable(
  admin: pg.Pool,
  columns: string,
): Promise<AsyncDisposable & { readonly name: string }> {
  const name = randomName();
  await admin.query(`CREATE TABLE "${name}" (${columns})`);
  return {
    name,
    [Symbol.asyncDispose]: async () => {
      await admin.query(`DROP TABLE "${name}"`);
    },
  };
}
