import { postgresStore } from "@manykv/postgres";
import { startDedicatedPostgres } from "@manykv/test-services";
import { afterAll } from "vitest";
import { startHaproxy } from "./servers/haproxy.js";
import { conforms } from "./support/conforms.js";
import { withAddress } from "./support/driver-at.mjs";

const postgres = await startDedicatedPostgres();
const haproxy = await startHaproxy({ servers: [postgres] });
afterAll(async () => {
  await haproxy[Symbol.asyncDispose]();
  await postgres.stop();
});

await using store = postgresStore({ url: postgres.url });
await store.provision();

conforms({ name: "postgres behind haproxy", url: withAddress(postgres.url, haproxy), server: haproxy });
