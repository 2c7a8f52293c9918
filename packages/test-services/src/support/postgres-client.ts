import pg from "pg";
import { settle } from "./settle.js";

/** Runs one statement on a connection of its own. */
export async function query(url: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 5_000,
    query_timeout: 30_000,
  });
  // A connection that breaks fails the statement, which is where the caller learns of it.
  client.on("error", () => {});
  try {
    await client.connect();
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}

/** Waits until a server accepts this user and password, which tells it from any other at the same port. */
export async function postgresAnswers(url: string): Promise<void> {
  await settle("postgres did not answer", 60_000, () => query(url, "SELECT 1").catch(() => undefined));
}
