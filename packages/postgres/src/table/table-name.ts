import { StoreError } from "@manykv/core";

/** One part of a name. Postgres truncates longer ones: https://www.postgresql.org/docs/current/limits.html */
const part = /^[A-Za-z_][A-Za-z0-9_-]{0,62}$/;

/**
 * Returns a table's name quoted for SQL: `"manykv"`, `"app"."manykv"`. Quoting keeps upper and lower case.
 *
 * @throws {StoreError} `invalid-argument`
 */
export function quoteTableName(name: unknown): string {
  const parts = typeof name === "string" ? name.split(".") : [];
  if (parts.length < 1 || parts.length > 2 || !parts.every((one) => part.test(one))) {
    throw new StoreError(
      "invalid-argument",
      "`table` must be a name or schema.name of letters, digits, _ and -, with at most 63 characters each",
    );
  }
  return parts.map((one) => `"${one}"`).join(".");
}
