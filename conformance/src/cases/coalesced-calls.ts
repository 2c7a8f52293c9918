import assert from "node:assert/strict";
import type { Bucket } from "@manykv/core";
import type { SetRequest, WriteAnswer } from "@manykv/core/driver";
import type { CaseContext } from "../case-context.js";
import type { ConformanceCase } from "../conformance-case.js";
import type { FaultSchedule } from "../faults/call-fault.js";
import { answerLost, refused } from "../faults/engine-faults.js";
import { faultDriver } from "../faults/fault-driver.js";
import { sendSet, wrapDriver } from "../faults/wrap-driver.js";
import { bytes, sameBytes } from "../support/bytes.js";
import { recordEvents } from "../support/record-events.js";
import { type Recording, recordRequests } from "../support/recording-driver.js";
import { assertOutcomes, batchErrorOf, rejectsWith } from "../support/rejections.js";

/** Cases for buckets that are opened with `coalesce`: calls of one turn share requests, and each has its own result. */
export const coalescedCases: readonly ConformanceCase[] = [
  {
    id: "same-coalesced-requests",
    rule: "same",
    subject: "core",
    title: "with `coalesce`, calls of one turn are one request per operation, and each call has its own result",
    async run(context) {
      const { bucket, requests } = await coalescing(context);
      await Promise.all([bucket.set("a", bytes("1")), bucket.set("b", bytes("2")), bucket.delete("c")]);
      const [a, b, c] = await Promise.all([bucket.get("a"), bucket.get("b"), bucket.get("c")]);
      sameBytes(a, bytes("1"));
      sameBytes(b, bytes("2"));
      assert.equal(c, undefined);
      assert.deepEqual(
        requests.map(({ operation, keys }) => [operation, [...keys].sort()]),
        [
          ["set", ["a", "b"]],
          ["delete", ["c"]],
          ["get", ["a", "b", "c"]],
        ],
      );
    },
  },
  {
    id: "same-coalesced-last-write",
    rule: "same",
    subject: "core",
    title: "with `coalesce`, the last of several writes of a key in one turn wins, whether it sets or deletes",
    async run(context) {
      const { bucket } = await coalescing(context);
      await Promise.all([
        bucket.set("a", bytes("old")),
        bucket.set("a", bytes("new")),
        bucket.set("b", bytes("v")),
        bucket.delete("b"),
        bucket.delete("c"),
        bucket.set("c", bytes("v")),
      ]);
      sameBytes(await bucket.get("a"), bytes("new"));
      assert.equal(await bucket.exists("b"), false);
      sameBytes(await bucket.get("c"), bytes("v"));
    },
  },
  {
    id: "same-coalesced-outcomes",
    rule: "same",
    subject: "core",
    title: "with `coalesce`, each write reports the outcome, the code and `retryable` of its own key",
    async run(context) {
      const faults = { refused: { kind: "fail", fault: refused }, lost: { kind: "fail", fault: answerLost } } as const;
      const schedule: FaultSchedule = () => ({ kind: "keys", of: (key) => faults[key as keyof typeof faults] });
      const { bucket } = await coalescing(context, schedule);
      for (const write of [(key: string) => bucket.set(key, bytes("v")), (key: string) => bucket.delete(key)]) {
        const [well, no, unknown] = await Promise.all([
          write("well"),
          batchErrorOf(write("refused"), "access-denied"),
          batchErrorOf(write("lost"), "connection-lost"),
        ]);
        assert.equal(well, undefined);
        assertOutcomes(no, ["not-applied"]);
        assertOutcomes(unknown, ["unknown"]);
        assert.deepEqual([no.retryable, unknown.retryable], [false, true]);
        assert.equal(no.reason, refused.reason);
      }
    },
  },
  {
    id: "same-coalesced-reads-alone",
    rule: "same",
    subject: "core",
    title:
      "with `coalesce`, if a request fails and is not retryable, each key is read alone, and only its own call fails",
    async run(context) {
      const schedule: FaultSchedule = ({ operation, keys }) =>
        operation === "get" && keys.includes("bad") ? { kind: "reject", fault: refused } : undefined;
      const { bucket } = await coalescing(context, schedule);
      await Promise.all([bucket.set("a", bytes("1")), bucket.set("b", bytes("2"))]);
      const [a, b] = await Promise.all([
        bucket.get("a"),
        bucket.get("b"),
        rejectsWith(bucket.get("bad"), "access-denied"),
      ]);
      sameBytes(a, bytes("1"));
      sameBytes(b, bytes("2"));
    },
  },
  {
    id: "same-coalesced-cancelled",
    rule: "same",
    subject: "core",
    title: "with `coalesce`, a cancelled call rejects at once and does not affect the other calls of its request",
    async run(context) {
      let answer = (): void => {};
      const answering = new Promise<void>((resolve) => {
        answer = resolve;
      });
      const { bucket, requests } = await coalescing(context, undefined, answering);
      const sent = new AbortController();
      const unsent = AbortSignal.abort();
      const calls = Promise.all([
        bucket.set("a", bytes("1")),
        batchErrorOf(bucket.set("b", bytes("2"), { signal: sent.signal }), "aborted"),
        batchErrorOf(bucket.set("c", bytes("3"), { signal: unsent }), "aborted"),
      ]);
      while (requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
      sent.abort();
      await new Promise((resolve) => setImmediate(resolve));
      answer();
      const [, late, never] = await calls;
      assertOutcomes(late, ["unknown"]);
      assertOutcomes(never, ["not-applied"]);
      assert.deepEqual(requests[0]?.keys, ["a", "b"], "a call that was cancelled before must not be sent");
      sameBytes(await bucket.get("a"), bytes("1"));
      assert.equal(await bucket.exists("c"), false);
    },
  },
  {
    id: "same-coalesced-events",
    rule: "same",
    subject: "core",
    title: "with `coalesce`, the tracing events of the shared request have its size, its outcomes and its error",
    async run(context) {
      const schedule: FaultSchedule = () => ({
        kind: "keys",
        of: (key) => (key === "refused" ? { kind: "fail", fault: refused } : undefined),
      });
      const { bucket } = await coalescing(context, schedule);
      const { calls } = await recordEvents(bucket.name, async () => {
        await Promise.all([
          bucket.set("a", bytes("v")),
          bucket.set("b", bytes("v")),
          batchErrorOf(bucket.set("refused", bytes("v")), "access-denied"),
        ]);
        await Promise.all([bucket.get("a"), bucket.get("b")]);
      });
      const shared = calls.filter(({ operation }) => operation === "setMany" || operation === "getMany");
      assert.deepEqual(
        shared.map(({ operation, batchSize, outcomes, code }) => ({ operation, batchSize, outcomes, code })),
        [
          {
            operation: "setMany",
            batchSize: 3,
            outcomes: { applied: 2, "not-applied": 1, unknown: 0 },
            code: "access-denied",
          },
          { operation: "getMany", batchSize: 2, outcomes: undefined, code: undefined },
        ],
      );
    },
  },
];

interface Coalescing extends Pick<Recording, "requests"> {
  readonly bucket: Bucket;
}

/** Opens a bucket that coalesces calls. The answers to sets wait for `answering`. */
async function coalescing(
  context: CaseContext,
  schedule: FaultSchedule = () => undefined,
  answering?: Promise<void>,
): Promise<Coalescing> {
  const { requests, wrap } = recordRequests();
  const driver = faultDriver(await context.driver(), schedule);
  const set = async (request: SetRequest): Promise<WriteAnswer> => {
    const answer = await sendSet(driver, request);
    await answering;
    return answer;
  };
  const store = context.storeOf(wrap(wrapDriver(driver, { set })), {
    retry: { attempts: 2, baseDelay: 1 },
    requestLimits: {},
  });
  return { bucket: await store.open(context.bucketName(), { coalesce: true }), requests };
}
