import type { ConformanceHarness } from "@manykv/conformance";
import { type Manner, RespProxy, startDedicatedRedis } from "@manykv/test-services";
import { afterAll } from "vitest";
import { conforms } from "./conforms.js";
import { driverAt } from "./driver-at.mjs";
import { describesLateWrites, type Expected } from "./late-writes.js";
import type { Skips } from "./skips.js";

/** Runs the conformance suite against Redis behind a proxy that makes it behave like another product. */
export async function conformsInTheMannerOf(
  name: string,
  manner: Manner,
  expected: Expected,
  skip: Skips = {},
): Promise<void> {
  const redis = await startDedicatedRedis();
  const server = await RespProxy.start(redis, manner);
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await redis.stop();
  });
  const deployment = { name: `a fake of ${name}`, url: server.url, server };
  const refusals: ConformanceHarness["refusals"] = [
    {
      what: "a wrong password",
      code: "access-denied",
      driver: () => driverAt(server.url.replace("//", "//user:wrong@")),
    },
  ];
  conforms({ ...deployment, refusals, skip });
  describesLateWrites(deployment, expected);
}
