import assert from "node:assert/strict";
import type { Outcome, Store, StoreOptions } from "@manykv/core";
import type { CaseContext } from "../case-context.js";
import type { Ability, ConformanceCase } from "../conformance-case.js";
import {
  assertExpected,
  checkStart,
  describeReport,
  faultOf,
  type KeyReport,
  reportsOf,
} from "../engine-failures/check-report.js";
import { controlCalls } from "../engine-failures/control-calls.js";
import { type FailingClient, openFailing } from "../engine-failures/failing-client.js";
import { type KeyOperation, maxKeysOf, type Scenario, scenarios } from "../engine-failures/scenario.js";
import {
  assertErrorExpected,
  assertOutcomesTrue,
  errorOfCall,
  faultOfExpected,
  hangs,
  isPresent,
  isRefused,
  isWrite,
  type Judged,
  newTrial,
  outcomesOfCall,
  type Position,
  prepareTrials,
  type SettledCall,
  type Trial,
} from "../engine-failures/trial.js";
import type { Operation } from "../faults/call-fault.js";
import type { EngineFailure } from "../harness.js";
import type { Rule } from "../rules.js";
import { abilitiesOf } from "../support/abilities.js";
import { bytes } from "../support/bytes.js";
import { quickRetry } from "../support/faulty-write.js";
import { assertNoLeak } from "../support/no-leak.js";
import { rejectionOf } from "../support/rejections.js";
import { settles } from "../support/settles.js";

interface OperationCases<Name extends Operation> {
  readonly operation: Name;
  readonly rule: Rule;
  /** Start of the ids of the cases. */
  readonly id: string;
  readonly needs?: readonly Ability[];
}

const keyOperations: readonly OperationCases<KeyOperation>[] = [
  { operation: "get", rule: "S10", id: "s10-engine-get" },
  { operation: "exists", rule: "S10", id: "s10-engine-exists" },
  { operation: "ttl", rule: "S10", id: "s10-engine-ttl", needs: ["ttl"] },
  { operation: "set", rule: "S9", id: "s09-engine-set" },
  { operation: "delete", rule: "S9", id: "s09-engine-delete" },
  { operation: "setIfAbsent", rule: "S18", id: "s18-engine-set-if-absent", needs: ["ifAbsent"] },
  { operation: "increment", rule: "S20", id: "s20-engine-increment", needs: ["increment"] },
  { operation: "compareAndSwap", rule: "S21", id: "s21-engine-compare-and-swap", needs: ["compareAndSwap"] },
];

const controlOperations: readonly OperationCases<keyof typeof controlCalls>[] = [
  { operation: "list", rule: "S10", id: "s10-engine-list" },
  { operation: "listBuckets", rule: "S10", id: "s10-engine-list-buckets", needs: ["buckets"] },
  { operation: "sweep", rule: "S17", id: "s17-engine-sweep", needs: ["ttl"] },
];

/** Number of keys of a call. */
const callSize = 5;
const oneRequest: StoreOptions = { retry: quickRetry, requestLimits: {} };
const severalRequests: StoreOptions = { retry: quickRetry, requestLimits: { maxKeys: 2 } };

/** Cases in which the real engine fails, in the ways that the harness's `engineFailures` describe. */
export const engineFailureCases: readonly ConformanceCase[] = [
  ...keyOperations.flatMap(({ operation, rule, id, needs }) => {
    const shared = sharedBy(rule, needs);
    return [
      {
        ...shared,
        id: `${id}-reports`,
        title: `${operation}: if the engine fails for some keys, the driver reports exactly these keys, with the expected fault`,
        run: (context: CaseContext) => forEachScenario(context, operation, reportsFailures),
      },
      {
        ...shared,
        id: `${id}-recovers`,
        title: `${operation}: after the engine has failed once or twice in a row, a retry succeeds, and every outcome is true`,
        run: (context: CaseContext) => forEachScenario(context, operation, recovers),
      },
      {
        ...shared,
        id: `${id}-steady`,
        title: `${operation}: if the engine fails at every attempt, the error has the expected code and reason, true outcomes, and no key or value`,
        run: (context: CaseContext) => forEachScenario(context, operation, failsSteadily, 2),
      },
    ];
  }),
  ...controlOperations.flatMap(({ operation, rule, id, needs }) => {
    const shared = sharedBy(rule, needs);
    return [
      {
        ...shared,
        id: `${id}-reports`,
        title: `${operation}: if the engine fails, the driver rejects with the expected fault`,
        run: (context: CaseContext) => forEachFailure(context, operation, controlReports),
      },
      {
        ...shared,
        id: `${id}-recovers`,
        title: `${operation}: after the engine has failed once or twice in a row, a retry returns everything`,
        run: (context: CaseContext) => forEachFailure(context, operation, controlRecovers),
      },
      {
        ...shared,
        id: `${id}-steady`,
        title: `${operation}: if the engine fails at every attempt, the error has the expected code and reason, and no key`,
        run: (context: CaseContext) => forEachFailure(context, operation, controlFailsSteadily),
      },
    ];
  }),
];

/** The cases run alone, because a failure may affect the whole server. */
function sharedBy(rule: Rule, needs: readonly Ability[] | undefined) {
  return { rule, subject: needs === undefined ? "driver" : "ability", alone: true, ...(needs && { needs }) } as const;
}

/** Opens a client for each failure of an operation. Skips the case if the harness has no such failure. */
async function forEachFailure<Name extends Operation>(
  context: CaseContext,
  operation: Name,
  body: (client: FailingClient, operation: Name) => Promise<void>,
): Promise<void> {
  const { engineFailures = [] } = context.harness;
  const failures: readonly EngineFailure[] = engineFailures.filter(({ operations }) => operations.includes(operation));
  if (failures.length === 0)
    context.skip(
      `no \`engineFailures\` of the harness concern \`${operation}\`, so its translation of errors is untested`,
    );
  let shared: Promise<Store> | undefined;
  const direct = (): Promise<Store> => {
    shared ??= context.store();
    return shared;
  };
  for (const failure of failures) {
    const client = await openFailing(context, failure, direct);
    if (client.driver[operation] === undefined) context.skip(`the driver has no method \`${operation}\``);
    await body(client, operation);
    await client.close();
  }
}

/**
 * Runs `body` for each failure of an operation and each kind of call that the backend supports.
 *
 * @param most - how many kinds of calls to make. Default: all
 */
async function forEachScenario(
  context: CaseContext,
  operation: KeyOperation,
  body: (client: FailingClient, scenario: Scenario) => Promise<void>,
  most?: number,
): Promise<void> {
  const abilities = await abilitiesOf(context);
  const own = scenarios.filter((one) => one.operation === operation && (!one.needs || abilities[one.needs]));
  await forEachFailure(context, operation, async (client) => {
    for (const scenario of own.slice(0, most)) await body(client, scenario);
  });
}

/** Sends requests to the driver, without core. Compares the reports with what a second client sees. */
async function reportsFailures(client: FailingClient, scenario: Scenario): Promise<void> {
  const { driver, failure, bucketName } = client;
  const size = scenario.single ? 1 : Math.min(callSize, maxKeysOf(driver.limits, scenario.operation));
  const positions: readonly Position[] =
    size === 1 ? ["all"] : failure.scope === "key" ? ["first", "middle", "last", "all"] : ["first", "last"];
  const trials = positions.map((position) => newTrial(client, scenario, position, size));
  await prepareTrials(client, scenario, trials);
  const reported: [Trial, readonly KeyReport[]][] = [];
  await client.start();
  for (const trial of trials) {
    const settled = await settles(reportsOf(driver, scenario, bucketName, trial.keys, trial.what), hangs, trial.what);
    if (settled.status === "rejected") throw settled.reason;
    reported.push([trial, settled.value]);
  }
  await client.stop();
  const judged = reported.map(([trial, reports]): Judged => {
    return [trial, reports.map((report, index) => outcomeOfReport(trial, report, index))];
  });
  await assertOutcomesTrue(client, scenario, judged);
}

/** Asserts that the report on a key is right, and returns its outcome. */
function outcomeOfReport({ client, scenario, what, keys, fails }: Trial, report: KeyReport, index: number): Outcome {
  const { scope, expected } = client.failure;
  const key = keys[index] as string;
  const name = `${what}: key ${index}`;
  if (isRefused(scenario, key, report)) return "not-applied";
  const mayFail = fails(key) || (scope === "request" && !("result" in report));
  if (mayFail && expected !== "success") {
    assertExpected(report, expected, isWrite(scenario), name);
    return "fault" in report && report.fault.effect === "unknown" ? "unknown" : "not-applied";
  }
  assert.ok("result" in report, `${name} must succeed, but the driver reports ${describeReport(report)}`);
  assert.ok(!isPresent(scenario, key), `${name} exists, so the driver must report \`precondition-failed\``);
  assert.equal(report.result, scenario.result(key), `${name}: the result must be right`);
  return "applied";
}

/** A call through core: which keys fail, the options of the store, and after how many failures the engine recovers. */
type Plan = readonly [position: Position, options: StoreOptions, times: number];

/** Makes calls through core. Asserts that the outcomes of each call are true, and passes the call to `judge`. */
async function callThroughCore(
  client: FailingClient,
  scenario: Scenario,
  plans: readonly Plan[],
  judge: (trial: Trial, settled: SettledCall, outcomes: readonly Outcome[], options: StoreOptions) => Promise<void>,
): Promise<void> {
  const size = scenario.single ? 1 : callSize;
  const calls = plans.map((plan) => ({ plan, trial: newTrial(client, scenario, plan[0], size) }));
  const trials = calls.map(({ trial }) => trial);
  await prepareTrials(client, scenario, trials);
  const judged: Judged[] = [];
  for (const { plan, trial } of calls) {
    const [, options, times] = plan;
    const { store, failed } = client.storeThatStops(scenario.operation, times, options);
    const bucket = await store.open(client.bucketName);
    await client.start();
    const settled = await settles(scenario.call(bucket, trial.keys), hangs, trial.what);
    await client.stop();
    if (client.failure.expected !== "success")
      assert.ok(failed() > 0, `${trial.what}: a request must fail, but none fails: ${checkStart}`);
    const outcomes = outcomesOfCall(trial, settled);
    await judge(trial, settled, outcomes, options);
    judged.push([trial, outcomes]);
  }
  await assertOutcomesTrue(client, scenario, judged);
}

/** Calls through core. The failure stops after one or two failed requests. */
async function recovers(client: FailingClient, scenario: Scenario): Promise<void> {
  const { expected, scope } = client.failure;
  const isRetried = expected === "success" || faultOfExpected(expected).retryable;
  const plans: readonly Plan[] =
    scenario.single || scope === "request"
      ? [
          ["first", oneRequest, 1],
          ["all", severalRequests, 2],
        ]
      : [
          ["first", oneRequest, 1],
          ["last", oneRequest, 2],
          ["middle", severalRequests, 1],
          ["all", severalRequests, 2],
        ];
  await callThroughCore(client, scenario, plans.slice(0, isRetried ? 4 : 1), async (trial, settled, outcomes) => {
    if (isRetried) assertRecovered(trial, settled, outcomes);
    else assertErrorExpected(trial, await errorOfCall(trial, settled), expected);
  });
}

/** A lost request of these operations may have succeeded, which a retry cannot always find out. */
const undecidable: readonly Operation[] = ["setIfAbsent", "increment", "compareAndSwap"];

/** Asserts that a call succeeded after the engine stopped failing. */
function assertRecovered(
  { client, scenario, keys, what, fails }: Trial,
  settled: SettledCall,
  outcomes: readonly Outcome[],
): void {
  const { expected, scope } = client.failure;
  const mayBeUnknown = faultOfExpected(expected).effect === "unknown" && undecidable.includes(scenario.operation);
  if (!isWrite(scenario) && settled.status === "rejected")
    assert.fail(`${what}: the call must succeed: ${settled.reason}`);
  for (const [index, key] of keys.entries()) {
    if (mayBeUnknown && outcomes[index] === "unknown" && (fails(key) || scope === "request")) continue;
    const wanted = isWrite(scenario) && isPresent(scenario, key) ? "not-applied" : "applied";
    const cause = settled.status === "rejected" ? `: ${settled.reason}` : "";
    assert.equal(outcomes[index], wanted, `${what}: the outcome of key ${index} must be right after a retry${cause}`);
  }
}

/** Calls through core while the engine fails at every attempt. */
async function failsSteadily(client: FailingClient, scenario: Scenario): Promise<void> {
  const { expected, scope } = client.failure;
  if (expected === "success") return;
  const never = Number.POSITIVE_INFINITY;
  const plans: readonly Plan[] = [
    ["middle", twoAttempts(oneRequest), never],
    ["all", twoAttempts(severalRequests), never],
    ["last", twoAttempts(severalRequests), never],
  ];
  const count = scenario.single ? 1 : scope === "request" ? 2 : 3;
  await callThroughCore(client, scenario, plans.slice(0, count), async (trial, settled, outcomes, options) => {
    assertErrorExpected(trial, await errorOfCall(trial, settled), expected);
    const { maxKeys = maxKeysOf(client.driver.limits, scenario.operation) } = options.requestLimits ?? {};
    if (scope === "request" || !isWrite(scenario) || maxKeys < callSize) return;
    for (const [index, key] of trial.keys.entries())
      if (!trial.fails(key) && !isPresent(scenario, key))
        assert.equal(outcomes[index], "applied", `${trial.what}: key ${index} must be applied`);
  });
}

function twoAttempts(options: StoreOptions): StoreOptions {
  return { ...options, retry: { ...quickRetry, attempts: 2 } };
}

async function controlReports(client: FailingClient, operation: keyof typeof controlCalls): Promise<void> {
  const { driver, failure, bucketName } = client;
  const control = controlCalls[operation];
  const what = `${operation}, while the engine ${failure.what}`;
  const keys = await prepareControl(client);
  await client.start();
  const settled = await settles(control.request(driver, bucketName), hangs, what);
  await client.stop();
  if (failure.expected === "success") {
    if (settled.status === "rejected") assert.fail(`${what}: the driver must succeed: ${settled.reason}`);
    return assert.deepEqual(
      settled.value,
      control.expected(bucketName, keys),
      `${what}: the driver must return everything`,
    );
  }
  const report = settled.status === "fulfilled" ? { result: "" } : { fault: faultOf(driver, settled.reason) };
  assertExpected(report, failure.expected, operation === "sweep", what);
}

async function controlRecovers(client: FailingClient, operation: keyof typeof controlCalls): Promise<void> {
  const { failure, bucketName } = client;
  const control = controlCalls[operation];
  const { expected } = failure;
  const keys = await prepareControl(client);
  for (const times of [1, 2]) {
    const what = `${operation}, while the engine ${failure.what} ${times} times`;
    const { store, failed } = client.storeThatStops(operation, times, oneRequest);
    await client.start();
    const settled = await settles(control.call(store, bucketName), hangs, what);
    await client.stop();
    if (expected !== "success") assert.ok(failed() > 0, `${what}: a request must fail, but none fails: ${checkStart}`);
    if (expected === "success" || faultOfExpected(expected).retryable) {
      if (settled.status === "rejected") assert.fail(`${what}: the call must succeed after a retry: ${settled.reason}`);
      assert.deepEqual(settled.value, control.expected(bucketName, keys), `${what}: the call must return everything`);
    } else {
      assert.equal(settled.status, "rejected", `${what}: the call must reject`);
    }
  }
}

async function controlFailsSteadily(client: FailingClient, operation: keyof typeof controlCalls): Promise<void> {
  const { failure, bucketName } = client;
  if (failure.expected === "success") return;
  const { code, retryable, reason } = faultOfExpected(failure.expected);
  const what = `${operation}, while the engine ${failure.what}`;
  await prepareControl(client);
  const { store } = client.storeThatStops(operation, Number.POSITIVE_INFINITY, twoAttempts(oneRequest));
  await client.start();
  const settled = await settles(controlCalls[operation].call(store, bucketName), hangs, what);
  await client.stop();
  const error = await rejectionOf(
    settled.status === "rejected" ? Promise.reject(settled.reason) : Promise.resolve(),
    what,
  );
  assertNoLeak(error, what);
  assert.deepEqual([error.code, error.retryable], [code, retryable], `${what}: the error must be as expected`);
  if (reason !== undefined) assert.equal(error.reason, reason, `${what}: the error must have the expected reason`);
}

/** Stores keys of both kinds, and returns them. */
async function prepareControl({ direct, keyOf }: FailingClient): Promise<readonly string[]> {
  const keys = ["one", "two"].flatMap((word) => [keyOf(true, word), keyOf(false, word)]);
  await direct.setMany(keys.map((key) => [key, bytes("v")]));
  return keys;
}
