import assert from "node:assert/strict";
import { type Driver, type Fault, FaultError } from "@manykv/core/driver";
import type { ExpectedReport } from "../harness.js";
import { canary } from "../support/no-leak.js";
import type { Scenario } from "./scenario.js";

/** What a driver reports for one key: its result or its fault. */
export type KeyReport = { readonly result: string } | { readonly fault: Fault } | { readonly unprocessed: true };

/** Advice for a case that may have failed because of the harness. */
export const checkStart = "check that `start` of the engine failure has an effect";

/** Sends one request to the driver and returns the report on each key. */
export async function reportsOf(
  driver: Driver,
  scenario: Scenario,
  bucket: string,
  keys: readonly string[],
  what: string,
): Promise<readonly KeyReport[]> {
  let answer: Awaited<ReturnType<Scenario["request"]>>;
  try {
    answer = await scenario.request(driver, bucket, keys);
  } catch (error) {
    return keys.map(() => ({ fault: faultOf(driver, error) }));
  }
  const { results, faults = [], unprocessed = [] } = answer;
  assert.equal(results.length, keys.length, `${what}: the answer must have one value for each key`);
  const indexes = [...faults.map(({ index }) => index), ...unprocessed];
  assert.equal(new Set(indexes).size, indexes.length, `${what}: the answer must not list an index twice`);
  for (const index of indexes) {
    const isIndex = Number.isInteger(index) && index >= 0 && index < keys.length;
    assert.ok(isIndex, `${what}: the answer lists the index ${index}, but the request has ${keys.length} keys`);
  }
  return results.map((result, index) => {
    const fault = faults.find((each) => each.index === index);
    if (fault !== undefined) return { fault };
    return unprocessed.includes(index) ? { unprocessed: true } : { result };
  });
}

/** Returns the fault of a request that rejected, as core finds it. */
export function faultOf(driver: Driver, error: unknown): Fault {
  return FaultError.is(error) ? error.fault : driver.classify(error);
}

/**
 * Asserts that the driver reports a failure as the harness expects.
 *
 * @param writes - whether the request writes. The effect of a read does not matter.
 */
export function assertExpected(report: KeyReport, expected: ExpectedReport, writes: boolean, what: string): void {
  assert.ok(!("result" in report), `${what} fails in the engine, but the driver reports success: ${checkStart}`);
  if ("unprocessed" in report) {
    assert.equal(expected, "unprocessed", `${what} must fail, but the driver reports it as unprocessed`);
    return;
  }
  const { fault } = report;
  assert.ok(!String(fault.reason).includes(canary), `${what}: the reason must contain no key, value or secret`);
  const wanted = typeof expected === "object" ? expected : noCapacity;
  const shown = ({ code, retryable, effect, reason, retryAfter }: typeof noCapacity): object => ({
    code,
    retryable,
    ...(writes && { effect }),
    ...("reason" in wanted && { reason }),
    ...("retryAfter" in wanted && { retryAfter }),
  });
  assert.deepEqual(
    shown(fault),
    shown(wanted),
    `${what}: the driver must report the expected fault, but reports ${describeReport(report)}`,
  );
}

/** A fault that means the same as `unprocessed`. */
const noCapacity: Exclude<ExpectedReport, string> = {
  code: "throttled",
  retryable: true,
  effect: "none",
};

export function describeReport(report: KeyReport): string {
  if ("fault" in report) return `a fault: ${report.fault.code} (${report.fault.reason ?? "without a reason"})`;
  return "unprocessed" in report ? "that it is unprocessed" : "success";
}
