import { randomName, startDedicatedRedis } from "@manykv/test-services";
import { Redis } from "ioredis";
import { beforeAll, describe, expect, test } from "vitest";
import { openStore } from "../../src/index.js";
import { type Ended, runCommand } from "../support/command.js";
import { storeUrls } from "../support/stores.js";

describe.each(Object.entries(storeUrls))("on %s", (_, store) => {
  beforeAll(async () => {
    expect(await runCommand(["provision"], { store })).toMatchObject({ code: 0, stderr: "" });
  });

  const run = (args: string[]): Promise<Ended> => runCommand(args, { store });

  test("increment prints the result, also of negative and of 64-bit numbers", async () => {
    const bucket = randomName();
    const increment = async (...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await run(["increment", "-b", bucket, ...args]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      return stdout.toString();
    };
    expect(await increment("k")).toBe("1\n");
    expect(await increment("k", "-43")).toBe("-42\n");
    expect(await increment("k", "--", "-1")).toBe("-43\n");
    expect(await increment("max", "9007199254740993")).toBe("9007199254740993\n");
    expect(await increment("max", "9214364837600034814")).toBe("9223372036854775807\n");
    expect(await run(["increment", "-b", bucket, "max"])).toMatchObject({
      code: 1,
      stdout: Buffer.alloc(0),
      stderr: "manykv: the result does not fit in 64 bits, so the value was not changed\n",
    });
    expect((await run(["get", "-b", bucket, "max"])).stdout.toString()).toBe("9223372036854775807");
    await run(["set", "-b", bucket, "text", "secret"]);
    expect(await run(["increment", "-b", bucket, "text"])).toMatchObject({
      code: 1,
      stderr: "manykv: the value is not a signed 64-bit integer in decimal text, so it was not changed\n",
    });
  });

  test("increment --ttl applies only to a key that it creates", async () => {
    const bucket = randomName();
    await run(["increment", "-b", bucket, "--ttl", "1h", "created"]);
    await run(["increment", "-b", bucket, "--ttl", "7d", "created"]);
    await run(["set", "-b", bucket, "existing", "1"]);
    await run(["increment", "-b", bucket, "--ttl", "1h", "existing"]);
    await using opened = await openStore(store);
    const [created, existing] = await (await opened.open(bucket)).ttlMany(["created", "existing"]);
    expect(created).toBeLessThanOrEqual(3_600_000);
    expect(existing).toBeNull();
  });
});

test("if the response is lost, increment says that the outcome is unknown and does not try again", async () => {
  await using server = await startDedicatedRedis();
  const admin = new Redis(server.url);
  await admin.client("PAUSE", 60_000, "WRITE");
  const { code, stdout, stderr } = await runCommand(["increment", "--timeout", "2s", "k"], { store: server.url });
  admin.disconnect();
  expect(stderr).toMatch(
    /^manykv: the response was lost \(timeout\), so it is unknown whether the key was incremented: get /,
  );
  expect(code).toBe(3);
  expect(stdout.toString()).toBe("");
});
