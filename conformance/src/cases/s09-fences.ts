import assert from "node:assert/strict";
import type { Bucket } from "@manykv/core";
import type { Fault } from "@manykv/core/driver";
import type { ConformanceCase } from "../conformance-case.js";
import { answerLost } from "../faults/engine-faults.js";
import { faultyWrite } from "../support/faulty-write.js";
import { pause } from "../support/settles.js";
import { leavesNoneUnhandled } from "../support/unhandled-rejections.js";

/** Reads the key `k0` until the late write has taken effect. Fails if 200 reads do not see this write. */
async function lands(direct: Bucket): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (new TextDecoder().decode(await direct.get("k0")) === "new k0") return;
    await pause(10);
  }
  assert.fail("the late write must take effect within 200 reads");
}

/** Cases for rule S9: a write whose response was lost can still take effect, until the driver's fence stops it. */
export const fenceCases: readonly ConformanceCase[] = [
  {
    id: "s09-fence-before-repetition",
    rule: "S9",
    subject: "core",
    title:
      "core calls a fence once for all faults that share it, and retries the write only after the fence has resolved",
    async run(context) {
      const events: string[] = [];
      const fence = async (): Promise<void> => {
        events.push("fence");
        await pause(5);
        events.push("fenced");
      };
      const lost: Fault = { ...answerLost, fence };
      const { outcomes } = await faultyWrite(context, {
        kind: "set",
        keys: 4,
        schedule: ({ call, keys }) => {
          events.push(`request of ${keys.length}`);
          return call === 0 ? { kind: "keys", of: () => ({ kind: "fail", fault: lost, applied: true }) } : undefined;
        },
      });
      assert.deepEqual(outcomes, new Array(4).fill("applied"));
      assert.deepEqual(events, ["request of 4", "fence", "fenced", "request of 4"]);
    },
  },
  {
    id: "s09-fence-that-fails",
    rule: "S9",
    subject: "core",
    alone: true,
    title: "a fence that rejects or throws changes no outcome and causes no unhandled rejection",
    async run(context) {
      const fences = [
        () => Promise.reject(new Error("the fence fails")),
        () => {
          throw new Error("the fence throws");
        },
      ];
      await leavesNoneUnhandled(async () => {
        for (const fence of fences) {
          const lost: Fault = { ...answerLost, fence };
          const { outcomes } = await faultyWrite(context, {
            kind: "set",
            keys: 2,
            schedule: () => ({ kind: "reject", fault: lost }),
          });
          assert.deepEqual(outcomes, ["unknown", "unknown"]);
        }
      });
    },
  },
  {
    id: "s09-fence-that-hangs",
    rule: "S9",
    subject: "core",
    title: "a fence that never settles does not delay the call past its deadline",
    async run(context) {
      const lost: Fault = { ...answerLost, fence: () => new Promise(() => {}) };
      const { outcomes } = await faultyWrite(context, {
        kind: "set",
        keys: 2,
        timeout: 300,
        schedule: () => ({ kind: "reject", fault: lost }),
      });
      assert.deepEqual(outcomes, ["unknown", "unknown"]);
    },
  },
  {
    id: "s09-late-write-without-fence",
    rule: "S9",
    subject: "core",
    title: "without a fence, a write that can still take effect is `unknown`",
    async run(context) {
      const { outcomes, direct } = await faultyWrite(context, {
        kind: "set",
        keys: 2,
        schedule: () => ({ kind: "late-apply", milliseconds: 30, fence: false }),
        // Allow only one attempt, so that no write takes effect after the case has cleaned up.
        store: { retry: { attempts: 1 } },
      });
      assert.deepEqual(outcomes, ["unknown", "unknown"]);
      await lands(direct);
    },
  },
];
