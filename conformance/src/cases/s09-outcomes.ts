import assert from "node:assert/strict";
import type { ConformanceCase } from "../conformance-case.js";
import type { CallFault, FaultSchedule, KeyFault } from "../faults/call-fault.js";
import { answerLost, refused, unavailable } from "../faults/engine-faults.js";
import { faultyWrite, writeKinds } from "../support/faulty-write.js";

/** Cases for rule S9: outcomes when keys or requests fail. Each case compares the outcomes with the stored values. */
export const outcomeCases: readonly ConformanceCase[] = writeKinds.flatMap((kind): ConformanceCase[] => {
  const method = kind === "set" ? "setMany" : "deleteMany";
  return [
    {
      id: `s09-${kind}-refused-then-lost`,
      rule: "S9",
      subject: "core",
      title: `${method}: keys are \`unknown\` if the engine first refused them for a time and then did not respond`,
      async run(context) {
        const schedule: FaultSchedule = ({ call }) =>
          call === 0 ? { kind: "reject", fault: unavailable } : { kind: "drop-answer" };
        const { outcomes, error } = await faultyWrite(context, { kind, keys: 2, schedule, timeout: 400 });
        assert.deepEqual(outcomes, ["unknown", "unknown"]);
        assert.equal(error?.code, "timeout");
      },
    },
    {
      id: `s09-${kind}-progress-is-no-failed-attempt`,
      rule: "S9",
      subject: "core",
      title: `${method}: only requests in which no key succeeds count as failed attempts, so an engine may process one key per request`,
      async run(context) {
        const schedule: FaultSchedule = ({ keys }) => ({
          kind: "keys",
          of: (key) => (key === keys[0] ? undefined : { kind: "unprocessed" }),
        });
        const { outcomes, requests } = await faultyWrite(context, { kind, keys: 12, schedule });
        assert.deepEqual(outcomes, new Array(12).fill("applied"));
        assert.equal(requests.length, 12);
      },
    },
    {
      id: `s09-${kind}-unknown-is-sticky`,
      rule: "S9",
      subject: "core",
      title: `${method}: a key whose response was lost stays \`unknown\` if its retry is refused`,
      async run(context) {
        const schedule: FaultSchedule = ({ call }) =>
          keysOf(
            ["k1"],
            call === 0 ? { kind: "fail", fault: answerLost, applied: true } : { kind: "fail", fault: refused },
          );
        const { outcomes } = await faultyWrite(context, { kind, keys: 3, schedule });
        assert.deepEqual(outcomes, ["applied", "unknown", "applied"]);
      },
    },
    {
      id: `s09-${kind}-each-request-its-own-fate`,
      rule: "S9",
      subject: "core",
      title: `${method}: a failure in one of many concurrent requests does not change the outcomes of other keys`,
      async run(context) {
        const fates: readonly (KeyFault | undefined)[] = [
          undefined,
          { kind: "fail", fault: refused },
          { kind: "fail", fault: answerLost },
          { kind: "fail", fault: answerLost, applied: true },
          { kind: "unprocessed" },
        ];
        const schedule: FaultSchedule = () => ({
          kind: "keys",
          of: (key) => fates[Number(key.slice(1)) % fates.length],
        });
        const write = { kind, keys: 40, schedule, store: { requestLimits: { maxKeys: 3 }, concurrency: 14 } };
        const { outcomes } = await faultyWrite(context, write);
        const expected = ["applied", "not-applied", "unknown", "unknown", "not-applied"];
        assert.deepEqual(
          outcomes,
          outcomes.map((_, index) => expected[index % expected.length]),
        );
      },
    },
  ];
});

function keysOf(keys: readonly string[], fault: KeyFault, when = true): CallFault | undefined {
  return when ? { kind: "keys", of: (key) => (keys.includes(key) ? fault : undefined) } : undefined;
}
