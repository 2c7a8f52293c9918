import { differential } from "@manykv/conformance";
import { memoryStore } from "@manykv/memory";
import { serviceUrl } from "@manykv/test-services/vitest";
import { test } from "vitest";
import { redisStore } from "../src/index.js";

const limits = { maxValueBytes: 2_000 };

test.each(["redis", "redis-cluster"] as const)(
  "%s: 10,000 random calls return the same results as the memory backend",
  { timeout: 900_000 },
  async (service) => {
    await using subject = redisStore({ url: serviceUrl(service), limits, timeout: 60_000 });
    await using reference = memoryStore({ limits });
    await differential({ subject, reference });
  },
);
