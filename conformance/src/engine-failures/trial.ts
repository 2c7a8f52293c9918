import assert from "node:assert/strict";
import { BatchError, type Outcome, type StoreError } from "@manykv/core";
import type { ExpectedReport } from "../harness.js";
import { bytes } from "../support/bytes.js";
import { assertNoLeak } from "../support/no-leak.js";
import { outcomesOf, rejectionOf } from "../support/rejections.js";
import type { Settled } from "../support/settles.js";
import { assertTrue } from "../support/truth.js";
import type { KeyReport } from "./check-report.js";
import type { FailingClient } from "./failing-client.js";
import { missing, present, type Scenario } from "./scenario.js";

/** Which keys of a call fail in the engine. */
export type Position = "first" | "middle" | "last" | "all";

/** A call of several keys, of which some fail in the engine. */
export interface Trial {
  readonly client: FailingClient;
  readonly scenario: Scenario;
  readonly what: string;
  readonly keys: readonly string[];
  readonly fails: (key: string) => boolean;
}

/** Time after which a call counts as hanging, in milliseconds. */
export const hangs = 30_000;

let trials = 0;

/** Chooses keys that no other trial uses. */
export function newTrial(client: FailingClient, scenario: Scenario, position: Position, size: number): Trial {
  const number = ++trials;
  const chosen = { first: 0, middle: size >> 1, last: size - 1 };
  const failing = (index: number): boolean => position === "all" || index === chosen[position];
  const words = size === 1 ? [] : ["", missing, "", present, ""];
  const keys = Array.from({ length: size }, (_, index) =>
    client.keyOf(failing(index), `${number} ${index} ${words[index] ?? ""}`),
  );
  const failingKeys = new Set(keys.filter((_, index) => failing(index)));
  const where = size === 1 ? "" : ` (failing keys: ${position} of ${size})`;
  const what = `${scenario.what}, while the engine ${client.failure.what}${where}`;
  return { client, scenario, what, keys, fails: (key) => failingKeys.has(key) };
}

/** Prepares the keys of all trials of a scenario. */
export async function prepareTrials(
  { direct }: FailingClient,
  scenario: Scenario,
  trials: readonly Trial[],
): Promise<void> {
  const keys = trials.flatMap((trial) => trial.keys);
  if (scenario.prepare !== undefined) return scenario.prepare(direct, keys);
  const entries = keys.flatMap((key): [string, Uint8Array][] => {
    const value = scenario.before(key);
    return value === undefined ? [] : [[key, bytes(value)]];
  });
  await direct.setMany(entries);
}

export function isWrite({ operation }: Scenario): boolean {
  return operation !== "get" && operation !== "exists" && operation !== "ttl";
}

/** Returns whether a set with `ifAbsent` must not set a key. */
export function isPresent({ operation }: Scenario, key: string): boolean {
  return operation === "setIfAbsent" && key.includes(present);
}

/** Returns whether the driver reports that a key exists, and it does. */
export function isRefused(scenario: Scenario, key: string, report: KeyReport): boolean {
  return isPresent(scenario, key) && "fault" in report && report.fault.code === "precondition-failed";
}

/** The results of a call through core. */
export type SettledCall = Settled<readonly string[]>;

/** Returns the outcome of each key of a call. Asserts that a call that resolves returned the right results. */
export function outcomesOfCall({ scenario, what, keys }: Trial, settled: SettledCall): readonly Outcome[] {
  if (settled.status === "fulfilled") {
    for (const [index, key] of keys.entries())
      assert.equal(settled.value[index], scenario.result(key), `${what}: the result of key ${index} must be right`);
    return keys.map(() => "applied");
  }
  // A failed read changes nothing.
  if (!isWrite(scenario)) return keys.map(() => "not-applied");
  assert.ok(BatchError.is(settled.reason), `${what}: a write must reject with a BatchError, not ${settled.reason}`);
  return outcomesOf(settled.reason, keys.length);
}

/** Returns the error of a call. Asserts that the call rejected, and that the error contains no key and no value. */
export async function errorOfCall({ what }: Trial, settled: SettledCall): Promise<StoreError> {
  const rejecting = settled.status === "rejected" ? Promise.reject(settled.reason) : Promise.resolve();
  const error = await rejectionOf(rejecting, what);
  assertNoLeak(error, what);
  return error;
}

/** Asserts that the error of a call shows what the harness expects, for the whole call and for each failing key. */
export function assertErrorExpected(trial: Trial, error: StoreError, expected: ExpectedReport): void {
  const { keys, scenario, what, fails } = trial;
  const { code, retryable, reason } = faultOfExpected(expected);
  const failures = BatchError.is(error) ? [...error.failures()] : [];
  const unexpected = failures.filter(({ index, code: own }) => {
    return !(isPresent(scenario, keys[index] as string) && own === "precondition-failed");
  });
  // Otherwise, the error shows the first of several failures.
  if (unexpected.length === failures.length) {
    assert.equal(error.code, code, `${what}: the error must have the expected code (${error.message})`);
    assert.equal(error.retryable, retryable, `${what}: \`retryable\` must be ${retryable}`);
    if (reason !== undefined) assert.equal(error.reason, reason, `${what}: the error must have the expected reason`);
  }
  if (!BatchError.is(error)) return;
  assert.ok(
    unexpected.some(({ index }) => fails(keys[index] as string)),
    `${what}: a failing key must not be \`applied\``,
  );
  for (const failure of unexpected) {
    assert.equal(failure.code, code, `${what}: the failure of key ${failure.index} must have the expected code`);
    if (reason !== undefined)
      assert.equal(
        failure.reason,
        reason,
        `${what}: the failure of key ${failure.index} must have the expected reason`,
      );
  }
}

/** Returns the code, `retryable` and reason of the error of a call. */
export function faultOfExpected(expected: ExpectedReport): {
  readonly code: string;
  readonly retryable: boolean;
  readonly effect: "none" | "unknown";
  readonly reason?: string | undefined;
} {
  return typeof expected === "object" ? expected : { code: "throttled", retryable: true, effect: "none" };
}

/** The outcomes of the keys of a trial. */
export type Judged = readonly [trial: Trial, outcomes: readonly Outcome[]];

/** Asserts that the second client sees what the outcomes of all trials of a scenario say. */
export async function assertOutcomesTrue(
  { direct }: FailingClient,
  scenario: Scenario,
  judged: readonly Judged[],
): Promise<void> {
  const keys = judged.flatMap(([trial]) => trial.keys);
  const optionalBytes = (text: string | undefined): Uint8Array | undefined =>
    text === undefined ? undefined : bytes(text);
  const before = new Map<string, Uint8Array>();
  for (const key of keys) {
    const value = optionalBytes(scenario.before(key));
    if (value !== undefined) before.set(key, value);
  }
  const entries = keys.map((key) => [key, optionalBytes(scenario.after(key))] as const);
  await assertTrue(
    direct,
    { before, entries },
    judged.flatMap(([, outcomes]) => outcomes),
  );
}
