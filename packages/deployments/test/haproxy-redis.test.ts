import type { Driver } from "@manykv/core/driver";
import { startDedicatedRedis } from "@manykv/test-services";
import { afterAll, test } from "vitest";
import { startHaproxy } from "./servers/haproxy.js";
import { conforms } from "./support/conforms.js";
import { driverAt } from "./support/driver-at.mjs";
import { describesLateWrites } from "./support/late-writes.js";
import { underLoad } from "./support/under-load.js";

const redis = await startDedicatedRedis();
const haproxy = await startHaproxy([redis]);
afterAll(async () => {
  await haproxy[Symbol.asyncDispose]();
  await redis.stop();
});

const url = `redis://${haproxy.host}:${haproxy.port}`;
const deployment = { name: "redis behind HAProxy", url, server: haproxy };
const driver = (): Driver => driverAt(url);

conforms(deployment);
describesLateWrites(deployment, { product: "redis", topology: "single", settles: true });

test("every outcome is true while HAProxy is killed and restarted", () =>
  underLoad({ driver, disturb: () => haproxy.restart(), times: 5 }));

test("every outcome is true while HAProxy ends all sessions", () =>
  underLoad({ driver, disturb: () => haproxy.admin("shutdown sessions server pool/s0").then(() => {}), times: 10 }));
