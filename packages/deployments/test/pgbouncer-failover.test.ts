import { postgresStore } from "@manykv/postgres";
import { startDedicatedPostgres } from "@manykv/test-services";
import { afterAll, describe, expect, test } from "vitest";
import { startPgbouncer } from "./servers/pgbouncer.js";
import { driverAt } from "./support/driver-at.mjs";
import { underLoad } from "./support/under-load.js";

const postgres = await startDedicatedPostgres();
afterAll(() => postgres.stop());
{
  await using store = postgresStore({ url: postgres.url });
  await store.provision();
}
const database = new URL(postgres.url).pathname.slice(1);

describe.each(["session", "transaction"] as const)("behind PgBouncer in %s mode", async (mode) => {
  const pgbouncer = await startPgbouncer(postgres, mode);
  afterAll(() => pgbouncer[Symbol.asyncDispose]());
  const driver = () => driverAt(`${pgbouncer.url}?prepare=false`);

  test("every outcome is true while PgBouncer reloads and reconnects", () =>
    underLoad({
      driver,
      async disturb() {
        await pgbouncer.admin("RELOAD");
        await pgbouncer.admin("RECONNECT");
      },
      times: 5,
    }));

  test("every outcome is true while PgBouncer ends the connections of the database", () =>
    underLoad({
      driver,
      async disturb() {
        await pgbouncer.admin(`KILL ${database}`);
        await pgbouncer.admin(`RESUME ${database}`);
      },
      times: 5,
    }));

  test("every outcome is true while PgBouncer is killed and restarted", () =>
    underLoad({ driver, disturb: () => pgbouncer.restart(), times: 5 }));

  test("every outcome is true while the server is killed and restarted behind PgBouncer", () =>
    underLoad({ driver, disturb: () => postgres.restart(), times: 2 }));

  test("a store without `prepare=false` serves as well", async () => {
    await using store = postgresStore({ url: pgbouncer.url });
    const bucket = await store.open("prepared");
    for (let round = 0; round < 20; round++) {
      await Promise.all(["a", "b", "c"].map((key) => bucket.set(key, Buffer.from(`${round}`))));
      expect(await bucket.getMany(["a", "b", "c"])).toHaveLength(3);
    }
    await bucket.deleteMany(["a", "b", "c"]);
  });
});
