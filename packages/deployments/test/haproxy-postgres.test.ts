import type { Driver } from "@manykv/core/driver";
import { postgresStore } from "@manykv/postgres";
import { startDedicatedPostgres } from "@manykv/test-services";
import { afterAll, test } from "vitest";
import { startHaproxy } from "./servers/haproxy.js";
import { conforms } from "./support/conforms.js";
import { driverAt, withAddress } from "./support/driver-at.mjs";
import { underLoad } from "./support/under-load.js";

const postgres = await startDedicatedPostgres();
const haproxy = await startHaproxy([postgres]);
afterAll(async () => {
  await haproxy[Symbol.asyncDispose]();
  await postgres.stop();
});

await using store = postgresStore({ url: postgres.url });
await store.provision();

conforms({ name: "postgres behind haproxy", url: withAddress(postgres.url, haproxy), server: haproxy });

const driver = (): Driver => driverAt(withAddress(postgres.url, haproxy));

test("every outcome is true while HAProxy is killed and restarted", () =>
  underLoad({ driver, disturb: () => haproxy.restart(), times: 5 }));

test("every outcome is true while HAProxy ends all sessions", () =>
  underLoad({ driver, disturb: () => haproxy.admin("shutdown sessions server pool/s0").then(() => {}), times: 10 }));
