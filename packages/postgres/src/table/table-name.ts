import { StoreError } from "@manykv/core";

/** A part of a name; Postgres cuts longer ones: https://www.postgresql.org/docs/current/limits.html */
const part = /^[A-Za-z_][A-Za-z0-9_-]{0,62}$/;

/**
 * A table's name as it stands in SQL, quoted: `"manykv"`, `"app"."manykv"`. Upper and lower case stay as they are.
 *
 * @throws {StoreError} `invalid-argument`
 */
export function quoteTableName(name: unknown): string {
  const parts = typeof name === "string" ? name.split(".") : [];
  if (parts.length < 1 || parts.length > 2 || !parts.every((one) => part.test(one))) {
    throw new StoreError(
      "invalid-argument",
      "`table` is not a table name: pass a name, or schema.name, of letters, digits, _ and -, 63 characters each at the most",
    );
  }
  return parts.map((one) => `"${one}"`).join(".");
}
