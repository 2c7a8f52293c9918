import { redisDriver } from "@manykv/redis";
import { afterAll } from "vitest";
import { startSentinelGroup } from "./servers/sentinel.js";
import { conformsTo } from "./support/conforms.js";
import { driverThroughSentinels } from "./support/driver-through-sentinels.mjs";

const group = await startSentinelGroup({ reaction: "never" });
afterAll(() => group[Symbol.asyncDispose]());
const { host, port } = await group.master();
const master = { host, port };
const sentinels = group.sentinels.map((each) => ({ host: each.host, port: each.port }));

conformsTo({
  name: "redis with sentinels",
  servers: [master],
  child: { file: new URL("./support/sentinel-child.mjs", import.meta.url), data: { sentinels, master } },
  driver: (route) =>
    route(master).port === port
      ? redisDriver({ url: group.url })
      : driverThroughSentinels({ sentinels, master }, route),
});
