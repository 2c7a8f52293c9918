import { redisStore } from "@manykv/redis";
import { afterAll, expect, test } from "vitest";
import { startHaproxy } from "./servers/haproxy.js";
import { startSentinelGroup } from "./servers/sentinel.js";
import { driverAt } from "./support/driver-at.mjs";
import { lossOfAsynchronousReplication, underLoad } from "./support/under-load.js";

const group = await startSentinelGroup({ reaction: "fast" });
const haproxy = await startHaproxy(group.servers);
afterAll(async () => {
  await haproxy[Symbol.asyncDispose]();
  await group[Symbol.asyncDispose]();
});

/**
 * Makes HAProxy serve clients with one server only. HAProxy cannot find the master by `ROLE`: for ten seconds after a
 * failover, the old master also claims to be the master.
 */
async function serveWith(master: { readonly port: number } | undefined): Promise<void> {
  for (const [index, server] of group.servers.entries()) {
    const state = server.port === master?.port ? "ready" : "maint";
    await haproxy.admin(`set server pool/s${index} state ${state}`);
    if (state === "maint") await haproxy.admin(`shutdown sessions server pool/s${index}`);
  }
}

test("every outcome is true while sentinels promote replicas that have every write", () =>
  underLoad({ driver: () => driverAt(group.url), disturb: () => group.failOver(), times: 2 }));

test("every outcome is true while HAProxy switches to another master", async () => {
  await serveWith(await group.master());
  await underLoad({
    driver: () => driverAt(`redis://${haproxy.host}:${haproxy.port}`),
    async disturb() {
      await serveWith(undefined);
      await group.failOver();
      await serveWith(await group.master());
    },
    times: 1,
  });
});

// Redis replicates after it acknowledges, so the killed master may have acknowledged writes that no replica has.
test("while the master is killed, every call settles, and anomalies are only those of writes that were not replicated", () =>
  underLoad({
    driver: () => driverAt(group.url),
    disturb: () => group.killMaster(),
    times: 1,
    excused: lossOfAsynchronousReplication,
  }));

test("a store finds the master while a sentinel is down", async () => {
  await group.sentinels[0]?.kill();
  await using store = redisStore({ url: group.url });
  const bucket = await store.open("one-sentinel-down");
  await bucket.set("key", Buffer.from("value"));
  expect(await bucket.exists("key")).toBe(true);
  expect(await store.describe()).toMatchObject({ topology: "sentinel", abilities: { settlesLostWrites: true } });
  await bucket.delete("key");
});
