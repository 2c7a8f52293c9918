import assert from "node:assert/strict";
import type { ConformanceCase } from "../conformance-case.js";
import type { CallFault, FaultSchedule, KeyFault } from "../faults/call-fault.js";
import { answerLost, refused, unavailable } from "../faults/engine-faults.js";
import { faultyWrite, quickRetry, type WriteKind, writeKinds } from "../support/faulty-write.js";

/** Cases for rule S9: outcomes when keys or requests fail. Each case compares the outcomes with the stored values. */
export const outcomeCases: readonly ConformanceCase[] = writeKinds.flatMap((kind): ConformanceCase[] => {
  const method = kind === "set" ? "setMany" : "deleteMany";
  const sentences = sentencesOf(kind);
  return [
    {
      id: `s09-${kind}-refused-keys`,
      rule: "S9",
      subject: "core",
      wit: sentences,
      title: `${method}: keys that the engine refuses are \`not-applied\` with the fault's code, and the others are \`applied\``,
      async run(context) {
        const schedule = keysFail(["k1", "k3"], { kind: "fail", fault: refused });
        const { outcomes, error, requests } = await faultyWrite(context, { kind, keys: 5, schedule });
        assert.deepEqual(outcomes, ["applied", "not-applied", "applied", "not-applied", "applied"]);
        assert.equal(error?.code, "access-denied");
        assert.deepEqual(
          [...(error?.failures() ?? [])],
          [1, 3].map((index) => ({
            index,
            outcome: "not-applied",
            code: "access-denied",
            reason: "INJECTED",
          })),
        );
        assert.equal(requests.length, 1, "keys that the engine refuses must not be sent again");
      },
    },
    {
      id: `s09-${kind}-lost-answers`,
      rule: "S9",
      subject: "core",
      title: `${method}: keys whose responses are lost in every attempt are \`unknown\``,
      async run(context) {
        const schedule: FaultSchedule = ({ operation }) => ({
          kind: "keys",
          of: (key) =>
            operation === kind && (key === "k0" || key === "k4")
              ? { kind: "fail", fault: answerLost, applied: key === "k4" }
              : undefined,
        });
        const { outcomes, error } = await faultyWrite(context, { kind, keys: 5, schedule });
        assert.deepEqual(outcomes, ["unknown", "applied", "applied", "applied", "unknown"]);
        assert.equal(error?.code, "connection-lost");
        assert.equal(error?.retryable, true);
      },
    },
    {
      id: `s09-${kind}-lost-answer-repeated`,
      rule: "S9",
      subject: "core",
      title: `${method}: a key whose response was lost is sent again until the engine acknowledges it`,
      async run(context) {
        const schedule = firstCalls(2, keysOf(["k2"], { kind: "fail", fault: answerLost, applied: true }));
        const { outcomes, requests } = await faultyWrite(context, { kind, keys: 4, schedule });
        assert.deepEqual(outcomes, new Array(4).fill("applied"));
        assert.deepEqual(
          requests.map(({ keys }) => keys),
          [["k0", "k1", "k2", "k3"], ["k2"], ["k2"]],
          "only the key whose response was lost must be sent again",
        );
      },
    },
    {
      id: `s09-${kind}-unprocessed`,
      rule: "S9",
      subject: "core",
      title: `${method}: only unprocessed keys are sent again, until the engine has processed all of them`,
      async run(context) {
        const schedule: FaultSchedule = ({ call }) => keysOf([`k${3 - call}`, "k0"], { kind: "unprocessed" }, call < 3);
        const { outcomes, requests } = await faultyWrite(context, { kind, keys: 4, schedule });
        assert.deepEqual(outcomes, new Array(4).fill("applied"));
        assert.deepEqual(
          requests.map(({ keys }) => [...keys].sort()),
          [["k0", "k1", "k2", "k3"], ["k0", "k3"], ["k0"], ["k0"]],
        );
      },
    },
    {
      id: `s09-${kind}-unprocessed-for-ever`,
      rule: "S9",
      subject: "core",
      title: `${method}: keys that stay unprocessed are \`not-applied\` with code \`throttled\` after a bounded number of requests`,
      async run(context) {
        const schedule = keysFail(["k1"], { kind: "unprocessed" });
        const { outcomes, error, requests } = await faultyWrite(context, { kind, keys: 3, schedule });
        assert.deepEqual(outcomes, ["applied", "not-applied", "applied"]);
        assert.equal(error?.code, "throttled");
        assert.equal(error?.retryable, true);
        assert.ok(
          requests.length <= quickRetry.attempts + 1,
          `core must send at most ${quickRetry.attempts + 1} requests, but sent ${requests.length}`,
        );
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
      id: `s09-${kind}-request-rejects`,
      rule: "S9",
      subject: "core",
      title: `${method}: the keys of a refused request are \`not-applied\`, and those of earlier requests stay \`applied\``,
      async run(context) {
        const schedule = requestOf("k4", { kind: "reject", fault: refused });
        const write = { kind, keys: 10, schedule, store: { requestLimits: { maxKeys: 2 }, concurrency: 1 } };
        const { outcomes, error } = await faultyWrite(context, write);
        assert.deepEqual(outcomes.slice(0, 4), new Array(4).fill("applied"));
        assert.deepEqual(outcomes.slice(4, 6), ["not-applied", "not-applied"]);
        assert.equal(error?.code, "access-denied");
      },
    },
    {
      id: `s09-${kind}-request-lost`,
      rule: "S9",
      subject: "core",
      title: `${method}: the keys of a request whose response is always lost are \`unknown\`, and those of earlier requests stay \`applied\``,
      async run(context) {
        const schedule = requestOf("k2", { kind: "reject", fault: answerLost, applied: true });
        const write = { kind, keys: 8, schedule, store: { requestLimits: { maxKeys: 2 }, concurrency: 1 } };
        const { outcomes, error } = await faultyWrite(context, write);
        assert.deepEqual(outcomes.slice(0, 4), ["applied", "applied", "unknown", "unknown"]);
        assert.equal(error?.code, "connection-lost");
      },
    },
    {
      id: `s09-${kind}-request-repeated`,
      rule: "S9",
      subject: "core",
      title: `${method}: a request that fails temporarily is sent again until the engine acknowledges it`,
      async run(context) {
        const schedule: FaultSchedule = ({ call }) =>
          call === 0
            ? { kind: "reject", fault: unavailable }
            : call === 1
              ? { kind: "reject", fault: answerLost, applied: true }
              : undefined;
        const { outcomes } = await faultyWrite(context, { kind, keys: 6, schedule });
        assert.deepEqual(outcomes, new Array(6).fill("applied"));
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

function sentencesOf(kind: WriteKind): NonNullable<ConformanceCase["wit"]> {
  if (kind === "set") return ["batch 3", "set-many 5", "set-many 7"];
  return ["batch 3", "delete-many 4", "delete-many 6"];
}

/** Returns a schedule that injects a fault for each of these keys in every request. */
function keysFail(keys: readonly string[], fault: KeyFault): FaultSchedule {
  return () => keysOf(keys, fault);
}

function keysOf(keys: readonly string[], fault: KeyFault, when = true): CallFault | undefined {
  return when ? { kind: "keys", of: (key) => (keys.includes(key) ? fault : undefined) } : undefined;
}

function firstCalls(count: number, fault: CallFault | undefined): FaultSchedule {
  return ({ call }) => (call < count ? fault : undefined);
}

/** Returns a schedule that injects a fault into every request that contains the key. */
function requestOf(key: string, fault: CallFault): FaultSchedule {
  return ({ keys }) => (keys.includes(key) ? fault : undefined);
}
