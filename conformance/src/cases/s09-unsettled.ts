import assert from "node:assert/strict";
import { BatchError, type CallEvent, type Failure, type StoreOptions } from "@manykv/core";
import type { Driver, Fault } from "@manykv/core/driver";
import type { CaseContext } from "../case-context.js";
import type { ConformanceCase } from "../conformance-case.js";
import type { FaultSchedule } from "../faults/call-fault.js";
import { answerLost } from "../faults/engine-faults.js";
import { faultDriver } from "../faults/fault-driver.js";
import { wrapDriver } from "../faults/wrap-driver.js";
import { bytes } from "../support/bytes.js";
import { recordEvents } from "../support/record-events.js";

const keys = ["a", "b", "c", "d"];

/** One attempt, so that a lost write fails instead of being repeated. */
const once: StoreOptions = { retry: { attempts: 1 } };

/** What a write reports about requests that may still take effect. */
interface Report {
  /** `undefined` if the write resolved. */
  readonly error: BatchError | undefined;
  readonly failures: readonly Failure[];
  readonly event: CallEvent | undefined;
}

const rejects = (): Promise<void> => Promise.reject(new Error("the fence fails"));
const resolves = async (): Promise<void> => {};

/** Cases for rule S9: whether a lost request may still take effect, and servers that lose acknowledged writes. */
export const unsettledCases: readonly ConformanceCase[] = [
  {
    id: "s09-unsettled-without-fence",
    rule: "S9",
    subject: "core",
    title:
      "a lost write without a fence, or whose fence fails, is reported as unsettled in failures, message and event",
    async run(context) {
      for (const fence of [undefined, rejects]) {
        for (const kind of ["set", "delete"] as const) {
          const report = await write(context, { kind, schedule: loses({ ...answerLost, fence }), store: once });
          assert.deepEqual(unsettled(report), [true, true, true, true]);
          assert.match(report.error?.message ?? "", /4 may still be applied later/);
          assert.equal(report.event?.unsettled, 4);
        }
      }
    },
  },
  {
    id: "s09-unsettled-keys",
    rule: "S9",
    subject: "core",
    title: "only the keys of a lost request are unsettled, and duplicates share this",
    async run(context) {
      const schedule: FaultSchedule = () => ({
        kind: "keys",
        of: (key) => (key === "b" ? { kind: "fail", fault: { ...answerLost, retryable: false } } : undefined),
      });
      const report = await write(context, { kind: "set", schedule, input: ["a", "b", "c", "b"] });
      assert.deepEqual(
        report.failures.map(({ index, unsettled: late }) => [index, late === true]),
        [
          [1, true],
          [3, true],
        ],
      );
    },
  },
  {
    id: "s09-unsettled-but-repeated",
    rule: "S9",
    subject: "core",
    title: "if a lost write cannot be settled but its repetition is acknowledged, the event of the call reports it",
    async run(context) {
      const schedule: FaultSchedule = ({ call }) =>
        call === 0 ? { kind: "reject", fault: { ...answerLost, fence: rejects } } : undefined;
      const report = await write(context, { kind: "set", schedule });
      assert.equal(report.error, undefined);
      assert.deepEqual(report.event?.outcomes, { applied: 4, "not-applied": 0, unknown: 0 });
      assert.equal(report.event?.unsettled, 4);
    },
  },
  {
    id: "s09-unsettled-when-cancelled",
    rule: "S9",
    subject: "core",
    title: "a write that is cancelled after it was sent is unsettled, because core does not wait for its fence",
    async run(context) {
      const controller = new AbortController();
      const wrap = (driver: Driver): Driver =>
        wrapDriver(
          driver,
          {
            set: async () => {
              controller.abort();
              return { faults: keys.map((_, index) => ({ ...answerLost, fence: resolves, index })) };
            },
          },
          ["prepareSet"],
        );
      const report = await write(context, { kind: "set", wrap, signal: controller.signal });
      assert.equal(report.error?.code, "aborted");
      assert.deepEqual(unsettled(report), [true, true, true, true]);
      assert.equal(report.event?.unsettled, 4);
    },
  },
  {
    id: "s09-unsettled-single-writes",
    rule: "S9",
    subject: "core",
    title: "set and delete report an unsettled write, with and without `coalesce`",
    async run(context) {
      for (const coalesce of [false, true]) {
        const store = await context.store({ wrap: (driver) => faultDriver(driver, loses(answerLost)), store: once });
        const bucket = await store.open(context.bucketName(), { coalesce });
        for (const call of [bucket.set("a", bytes("v")), bucket.delete("a")]) {
          const error = await call.catch((reason: unknown) => reason);
          assert.ok(BatchError.is(error), "the write must reject with a BatchError");
          assert.deepEqual(
            Array.from(error.failures(), ({ outcome, unsettled: late }) => [outcome, late]),
            [["unknown", true]],
          );
        }
      }
    },
  },
  {
    id: "s09-new-generation",
    rule: "S9",
    subject: "core",
    title: "if a server that acknowledged keys is replaced during a call, these keys become `unknown`",
    async run(context) {
      for (const kind of ["set", "delete"] as const) {
        let requests = 0;
        const wrap = restarting(() => (requests++ < 3 ? 1 : 2));
        const report = await write(context, { kind, wrap, store: { requestLimits: { maxKeys: 1 }, concurrency: 1 } });
        assert.deepEqual(report.error?.counts, { applied: 2, "not-applied": 0, unknown: 2 });
        for (const [place, failure] of report.failures.entries()) {
          assert.equal(failure.index, place);
          assert.equal(failure.code, "connection-lost");
        }
        assert.equal(report.error.retryable, true);
      }
    },
  },
  {
    id: "s09-lost-since",
    rule: "S9",
    subject: "core",
    title: "if the driver reports which keys a replaced server may have lost, only these keys become `unknown`",
    async run(context) {
      for (const kind of ["set", "delete"] as const) {
        let requests = 0;
        const asked: unknown[] = [];
        const lostSince = (generation: number, _bucket: string, key: string): boolean => {
          asked.push([generation, key]);
          return key === "b";
        };
        const wrap = restarting(() => (requests++ < 4 ? 1 : 2), lostSince);
        const report = await write(context, { kind, wrap, store: { requestLimits: { maxKeys: 1 }, concurrency: 1 } });
        assert.deepEqual(report.error?.counts, { applied: 3, "not-applied": 0, unknown: 1 });
        const [failure] = report.failures;
        assert.equal(failure?.index, 1);
        assert.equal(failure.code, "connection-lost");
        assert.deepEqual(asked, [
          [1, "a"],
          [1, "b"],
          [1, "c"],
        ]);
      }
    },
  },
  {
    id: "s09-same-generation",
    rule: "S9",
    subject: "core",
    title: "a write resolves if the server was replaced before its first acknowledgement, or between two calls",
    async run(context) {
      let generation = 1;
      const wrap = restarting(() => generation);
      const bucket = await context.bucket({ wrap, store: { requestLimits: { maxKeys: 1 } } });
      for (; generation < 3; generation++) await bucket.setMany(keys.map((key) => [key, bytes(key)]));
    },
  },
];

interface Write {
  readonly kind: "set" | "delete";
  readonly schedule?: FaultSchedule;
  readonly wrap?: (driver: Driver) => Driver;
  readonly store?: StoreOptions;
  readonly signal?: AbortSignal;
  readonly input?: readonly string[];
}

async function write(
  context: CaseContext,
  { kind, schedule, wrap, store, signal, input = keys }: Write,
): Promise<Report> {
  const broken = (driver: Driver): Driver => wrap?.(driver) ?? faultDriver(driver, schedule ?? (() => undefined));
  const options = { retry: { baseDelay: 1 }, requestLimits: {}, ...store };
  const bucket = await context.bucket({ wrap: broken, store: options });
  let error: unknown;
  const { calls } = await recordEvents(bucket.name, async () => {
    const writing =
      kind === "set"
        ? bucket.setMany(
            input.map((key) => [key, bytes(key)]),
            { signal },
          )
        : bucket.deleteMany(input, { signal });
    error = await writing.catch((reason: unknown) => reason);
  });
  assert.ok(error === undefined || BatchError.is(error), "the write must reject with a BatchError");
  return { error, failures: [...(error?.failures() ?? [])], event: calls.at(-1) };
}

function unsettled({ failures }: Report): boolean[] {
  return failures.map((failure) => failure.unsettled === true);
}

function loses(fault: Fault): FaultSchedule {
  return () => ({ kind: "reject", fault });
}

/**
 * Returns a wrapper whose driver reports the generation that `generationOf` returns after each request. The inner driver
 * knows nothing of these generations, so only `lostSince` can say which keys they concern.
 */
function restarting(generationOf: () => number, lostSince?: Driver["lostSince"]): (driver: Driver) => Driver {
  return (driver) => {
    let generation = generationOf();
    const answered = <Answer>(answer: Promise<Answer>): Promise<Answer> =>
      answer.finally(() => {
        generation = generationOf();
      });
    const changed: Partial<Driver> = {
      set: (request) => answered(driver.set(request)),
      delete: (request) => answered(driver.delete(request)),
      ...(lostSince && { lostSince }),
    };
    const wrapped = wrapDriver(driver, changed, ["lostSince"]);
    return Object.defineProperty(wrapped, "generation", { get: () => generation });
  };
}
