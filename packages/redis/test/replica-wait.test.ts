import { randomName } from "@manykv/test-services";
import { serviceUrl } from "@manykv/test-services/vitest";
import { describe, expect, test } from "vitest";
import { redisStore, type WaitOptions } from "../src/index.js";
import { bytes, text } from "./support/bytes.js";
import { batchRejection } from "./support/rejection.js";

const entries = Array.from({ length: 30 }, (_, index) => [`key${index}`, bytes(`value${index}`)] as const);
const keys = entries.map(([key]) => key);

test("writes wait for the replicas, in the same round trip", async () => {
  await using store = redisStore({ url: serviceUrl("redis-cluster"), wait: { replicas: 1, timeout: 5_000 } });
  const bucket = await store.open(randomName());
  await bucket.setMany(entries);
  const answers = await bucket.getMany(keys);
  expect(answers.map((answer) => text(answer?.[1]))).toEqual(entries.map(([, value]) => text(value)));
  await bucket.deleteMany(keys);
  expect(await bucket.getMany(keys)).toEqual(keys.map(() => undefined));
});

describe("too few replicas", () => {
  test.each([
    ["one server", "redis", { replicas: 1, timeout: 20 }],
    ["a cluster", "redis-cluster", { replicas: 2, timeout: 20 }],
  ] as const)(
    "on %s: unknown, as a failover may lose what the master alone has",
    async (_, service, wait) => {
      await using store = redisStore({ url: serviceUrl(service), wait, retry: { attempts: 1 } });
      const bucket = await store.open(randomName());
      const error = await batchRejection(bucket.setMany(entries));
      expect(error).toMatchObject({ code: "unavailable", retryable: true });
      expect(error.message).toContain("WAIT");
      expect(error.counts).toEqual({ applied: 0, "not-applied": 0, unknown: entries.length });
      // The master has it, and reads are not concerned.
      expect(text((await bucket.getMany(keys))[0]?.[1])).toBe("value0");
      expect((await batchRejection(bucket.deleteMany(keys))).counts.unknown).toBe(entries.length);
    },
  );
});

test.each([{ replicas: 0 }, { replicas: 1.5 }, { replicas: 1, timeout: 0 }, {}])("%j is refused", (wait) => {
  expect(() => redisStore({ url: "redis://localhost", wait: wait as WaitOptions })).toThrow(/wait\./);
});
