import { startDedicatedRedis } from "@manykv/test-services";
import { afterAll, test } from "vitest";
import { startNutcracker } from "./servers/nutcracker.js";
import { conforms } from "./support/conforms.js";
import { driverAt } from "./support/driver-at.mjs";
import { describesLateWrites } from "./support/late-writes.js";
import { cannotList } from "./support/skips.js";
import { underLoad } from "./support/under-load.js";

const servers = await Promise.all([startDedicatedRedis(), startDedicatedRedis()]);
const nutcracker = await startNutcracker(servers);
afterAll(async () => {
  await nutcracker[Symbol.asyncDispose]();
  await Promise.all(servers.map((each) => each.stop()));
});

const url = `redis://${nutcracker.host}:${nutcracker.port}`;
const deployment = { name: "redis behind twemproxy", url, server: nutcracker };

conforms({ ...deployment, skip: cannotList });
describesLateWrites(deployment, { product: undefined, topology: undefined, settles: false });

test("every outcome is true while twemproxy is killed and restarted", () =>
  underLoad({ driver: () => driverAt(url), disturb: () => nutcracker.restart(), times: 5 }));
