import { postgresStore } from "@manykv/postgres";
import { startDedicatedPostgres } from "@manykv/test-services";
import { afterAll } from "vitest";
import { startPgbouncer } from "./servers/pgbouncer.js";
import { conforms } from "./support/conforms.js";
import { describesLateWrites } from "./support/late-writes.js";

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

// PgBouncer before 1.21 refuses named statements. Without `prepare=false`, a store notices this at its first errors.
for (const [mode, { pgbouncer, parameters }] of Object.entries({
  session: { pgbouncer: session, parameters: "" },
  transaction: { pgbouncer: transaction, parameters: "?prepare=false" },
})) {
  const name = `postgres behind PgBouncer in ${mode} mode`;
  const deployment = { name, url: `${pgbouncer.url}${parameters}`, server: pgbouncer };
  conforms(deployment);
  describesLateWrites(deployment, { product: "postgresql", topology: "pooler", settles: false });
}
