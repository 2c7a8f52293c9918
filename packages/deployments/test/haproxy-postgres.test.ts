import type { Driver } from "@manykv/core/driver";
import { postgresStore } from "@manykv/postgres";
import { startDedicatedPostgres } from "@manykv/test-services";
import { afterAll, test } from "vitest";
import { startHaproxy } from "./servers/haproxy.js";
import { conforms } from "./support/conforms.js";
import { driverAt, withAddress } from "./support/driver-at.mjs";
import { describesLateWrites } from "./support/late-writes.js";
import { underLoad } from "./support/under-load.js";

const postgres = await startDedicatedPostgres();
const haproxy = await startHaproxy([postgres]);
afterAll(async () => {
  await haproxy[Symbol.asyncDispose]();
  await postgres.stop();
});

await using store = postgresStore({ url: postgres.url });
await store.provision();

const url = withAddress(postgres.url, haproxy);
const deployment = { name: "postgres behind HAProxy", url, server: haproxy };
const driver = (): Driver => driverAt(url);

conforms(deployment);
describesLateWrites(deployment, { product: "postgresql", topology: "single", settles: true });

test("every outcome is true while HAProxy is killed and restarted", () =>
  underLoad({ driver, disturb: () => haproxy.restart(), times: 5 }));

test("every outcome is true while HAProxy ends all sessions", () =>
  underLoad({ driver, disturb: () => haproxy.admin("shutdown sessions server pool/s0").then(() => {}), times: 10 }));
