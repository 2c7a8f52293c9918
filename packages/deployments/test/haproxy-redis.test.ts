import { startDedicatedRedis } from "@manykv/test-services";
import { afterAll } from "vitest";
import { startHaproxy } from "./servers/haproxy.js";
import { conforms } from "./support/conforms.js";

const redis = await startDedicatedRedis();
const haproxy = await startHaproxy({ servers: [redis] });
afterAll(async () => {
  await haproxy[Symbol.asyncDispose]();
  await redis.stop();
});

conforms({ name: "redis behind haproxy", url: `redis://${haproxy.host}:${haproxy.port}`, server: haproxy });
