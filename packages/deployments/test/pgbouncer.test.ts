import { postgresStore } from "@manykv/postgres";
import { startDedicatedPostgres } from "@manykv/test-services";
import { afterAll } from "vitest";
import { startPgbouncer } from "./servers/pgbouncer.js";
import { conforms } from "./support/conforms.js";

const postgres = await startDedicatedPostgres();
const session = await startPgbouncer(postgres, "session");
const transaction = await startPgbouncer(postgres, "transaction");
afterAll(async () => {
  await session[Symbol.asyncDispose]();
  await transaction[Symbol.asyncDispose]();
  await postgres.stop();
});

await using store = postgresStore({ url: postgres.url });
await store.provision();

conforms({ name: "postgres behind pgbouncer in session mode", url: session.url, server: session });
conforms({
  name: "postgres behind pgbouncer in transaction mode",
  // PgBouncer before 1.21 refuses named statements. Without `prepare=false`, a store notices this at its first errors.
  url: `${transaction.url}?prepare=false`,
  server: transaction,
});
