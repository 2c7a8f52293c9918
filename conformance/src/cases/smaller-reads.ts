import assert from "node:assert/strict";
import type { ConformanceCase } from "../conformance-case.js";
import type { FaultSchedule } from "../faults/call-fault.js";
import { answerLost } from "../faults/engine-faults.js";
import { faultDriver } from "../faults/fault-driver.js";
import { bytes, sameBytes } from "../support/bytes.js";
import { quickRetry } from "../support/faulty-write.js";
import { recordRequests } from "../support/recording-driver.js";
import { rejectsWith } from "../support/rejections.js";

const keys = Array.from({ length: 9 }, (_, index) => `k${index}`);

/** Cases for rule S10: reads whose response exceeds a limit of the server, which then closes the connection. */
export const smallerReadCases: readonly ConformanceCase[] = [
  {
    id: "s10-response-over-a-limit",
    rule: "S10",
    subject: "core",
    title: "if the server closes the connection for responses of more than 2 keys, getMany repeats smaller requests",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const schedule: FaultSchedule = ({ operation, keys: { length } }) =>
        operation === "get" && length > 2 ? { kind: "reject", fault: answerLost } : undefined;
      const store = { retry: quickRetry, requestLimits: {} };
      const bucket = await context.bucket({ wrap: (driver) => wrap(faultDriver(driver, schedule)), store });
      await bucket.setMany(keys.map((key) => [key, bytes(key)]));
      requests.length = 0;
      const answers = await bucket.getMany([...keys, "missing", "k0"]);
      for (const [index, key] of [...keys, undefined, "k0"].entries()) {
        if (key === undefined) assert.equal(answers[index], undefined);
        else sameBytes(answers[index]?.[1], bytes(key));
      }
      assert.ok(requests.length <= 20, `10 keys must need at most 20 requests, not ${requests.length}`);
    },
  },
  {
    id: "s10-one-response-over-a-limit",
    rule: "S10",
    subject: "core",
    title: "if the connection breaks whenever one key is read, getMany rejects with `connection-lost`",
    async run(context) {
      const { requests, wrap } = recordRequests();
      const schedule: FaultSchedule = ({ operation, keys: asked }) =>
        operation === "get" && asked.includes("k5") ? { kind: "reject", fault: answerLost } : undefined;
      const store = { retry: quickRetry, requestLimits: {} };
      const bucket = await context.bucket({ wrap: (driver) => wrap(faultDriver(driver, schedule)), store });
      const error = await rejectsWith(bucket.getMany(keys), "connection-lost");
      assert.match(error.message, /entry 5\b/);
      assert.ok(requests.length <= 20, `9 keys must need at most 20 requests, not ${requests.length}`);
    },
  },
];
