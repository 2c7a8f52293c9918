import type { Driver } from "@manykv/core/driver";
import { describe, expect, test, vi } from "vitest";
import { wrapDriver } from "../src/faults/wrap-driver.js";
import {
  type CaseResult,
  type ConformanceHarness,
  cases,
  levelOf,
  runSuite,
  type SuiteEvent,
  type SuiteResult,
  toJson,
} from "../src/index.js";
import { levelsOf } from "../src/levels.js";
import { broken, withMethods } from "./broken-drivers.js";
import { type ReferenceData, referenceDriver } from "./reference-driver.js";

const smokeId = "driver-smoke";

describe("runSuite", () => {
  test("passes on the reference driver, reports every case, and runs cases that must run alone by themselves", {
    timeout: 180_000,
  }, async () => {
    const events: SuiteEvent[] = [];
    const listened = vi.spyOn(process, "on");
    const listeners: (readonly [id: string | undefined, event: unknown])[] = [];
    const running = new Set<string>();
    const overlaps: string[] = [];
    const alone = new Set(cases.filter((one) => one.alone).map(({ id }) => id));
    const result = await runSuite(harnessOf(new Map()), {
      onEvent: (event) => {
        events.push(event);
        if (event.type === "case-start") {
          running.add(event.id);
          if (running.size > 1 && [...running].some((id) => alone.has(id))) overlaps.push([...running].join(" and "));
        }
        if (event.type !== "case-end") return;
        running.delete(event.result.id);
        if (!alone.has(event.result.id))
          for (const [name] of listened.mock.calls) listeners.push([event.result.id, name]);
        listened.mockClear();
      },
    });
    listened.mockRestore();
    expect(result.results.filter(({ status }) => status === "failed")).toEqual([]);
    expect(result.unhandled).toEqual([]);
    expect(result.levels).toEqual({ batch: "passed", outcomes: "passed", abilities: "passed" });
    expect(result.results.map(({ id }) => id)).toEqual(cases.map(({ id }) => id));
    expect(result.counts).toEqual(countsOf(result.results));
    expect(overlaps).toEqual([]);
    // A case that listens to events of the process needs `alone`. The first listener is that of `runSuite`.
    expect(listeners.slice(1)).toEqual([]);
    expect(events[0]).toEqual({
      type: "start",
      backend: "reference",
      cases: events.filter(({ type }) => type === "case-start").length,
      seed: result.seed,
    });
    expect(events[1]).toEqual({ type: "case-start", id: smokeId });
    expect(events[2]).toMatchObject({ type: "case-end", result: { id: smokeId, status: "passed" } });
    expect(events.at(-1)).toEqual({ type: "end", result });
    expect(toJson(result)).toEqual(JSON.parse(JSON.stringify(result)));
  });

  test("if the smoke case fails, runs no other case and shows the driver's exception", async () => {
    const events: SuiteEvent[] = [];
    const result = await runSuite(withMethods(broken.throwsInGet), { onEvent: (event) => void events.push(event) });
    const [smoke, ...others] = result.results;
    expect(smoke).toMatchObject({ id: smokeId, status: "failed", failure: { phase: "smoke" } });
    expect(smoke?.failure?.error).toBeInstanceOf(TypeError);
    expect(smoke?.failure?.stack).toMatch(/broken-drivers\.ts/);
    expect(others.length).toBe(cases.length - 1);
    expect(new Set(others.map(({ status }) => status))).toEqual(new Set(["skipped"]));
    const notRun = others.filter(({ skip }) => skip === "not-run");
    expect(new Set(notRun.map(({ reason }) => reason))).toEqual(new Set([`${smokeId} failed`]));
    expect(result.levels).toEqual({ batch: "failed", outcomes: "failed", abilities: "failed" });
    expect(events.filter(({ type }) => type === "case-start").length).toBe(1);
    expect(events.filter(({ type }) => type === "case-end").length).toBe(cases.length);
  });

  test("if the run is cancelled, stops the running cases, cleans up and returns the results so far", async () => {
    const data: ReferenceData = new Map();
    const open = new Set<Driver>();
    const controller = new AbortController();
    let started = 0;
    const result = await runSuite(harnessOf(data, open), {
      signal: controller.signal,
      concurrency: 3,
      onEvent: ({ type }) => {
        if (type === "case-start" && ++started === 20) controller.abort();
      },
    });
    expect(result.results.length).toBe(cases.length);
    expect(result.counts.failed).toBe(0);
    const notRun = result.results.filter(({ skip }) => skip === "not-run");
    // The 20th case, and at most two others that ran at the same time.
    expect(result.counts.passed).toBeGreaterThanOrEqual(17);
    expect(result.counts.passed).toBeLessThan(20);
    expect(new Set(notRun.map(({ reason }) => reason))).toEqual(new Set(["the run was cancelled"]));
    expect(result.levels).toEqual({ batch: "incomplete", outcomes: "incomplete", abilities: "incomplete" });
    expect(open.size).toBe(0);
    expect(keysIn(data)).toEqual([]);
  });

  test("cancelling stops a case that waits, and its later requests fail", async () => {
    const data: ReferenceData = new Map();
    const controller = new AbortController();
    const id = "s11-default-timeout-of-the-store";
    const result = await runSuite(harnessOf(data), {
      signal: controller.signal,
      only: (one) => one.id === id,
      onEvent: (event) => {
        if (event.type === "case-start" && event.id === id) setTimeout(() => controller.abort(), 20);
      },
    });
    expect(resultOf(result, id)).toMatchObject({ status: "skipped", skip: "not-run", reason: "the run was cancelled" });
    expect(keysIn(data)).toEqual([]);
  });

  test("a case that takes longer than `caseTimeout` fails, and names the request without an answer", async () => {
    const harness: ConformanceHarness = { ...withMethods(broken.hangsInExists), options: { timeout: 1_000 } };
    const result = await runSuite(harness, { caseTimeout: 200, only: ({ id }) => id === "s04-exists-many" });
    const { failure } = resultOf(result, "s04-exists-many") as CaseResult;
    expect(failure).toMatchObject({ phase: "timeout", message: "LateError: the case must end within 200 ms" });
    expect(failure?.requests.at(-1)).toMatch(/^\d+\. client 1: exists in \w+ \[.*\] -> no answer yet$/);
  });

  test("if `onEvent` throws, ends the run and rejects with that error", async () => {
    const ended: string[] = [];
    const run = runSuite(harnessOf(new Map()), {
      onEvent: (event) => {
        if (event.type === "case-end") ended.push(event.result.id);
        if (ended.length === 5) throw new Error("the disk is full");
      },
    });
    await expect(run).rejects.toThrow("the disk is full");
    expect(ended.length).toBeLessThan(15);
  });

  test("a close that fails counts as one failed case", async () => {
    const result = await runSuite(withMethods(broken.failsToClose), { only: ({ rule }) => rule === "S4" });
    const failed = result.results.filter(({ status }) => status === "failed");
    expect(failed.map(({ id, failure }) => [id, failure?.phase])).toEqual([[smokeId, "cleanup"]]);
    expect(failed[0]?.failure?.message).toBe("Error: the pool is closed already");
    expect(result.failedCleanups).toBe(result.counts.passed + 1);
  });

  test("only the first close that hangs has the whole time", async () => {
    const hanging = withMethods(() => ({ close: () => new Promise(() => {}) }));
    const ids = ["s04-order-of-keys", "s04-all-missing"];
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const running = runSuite(hanging, { concurrency: 1, only: ({ id }) => ids.includes(id) });
      await vi.advanceTimersByTimeAsync(32_500);
      const result = await running;
      expect(result.failedCleanups).toBe(3);
      expect(result.results.map(({ status }) => status)).toEqual(["failed", "passed", "passed"]);
    } finally {
      vi.useRealTimers();
    }
  });

  test("throws a TypeError for a wrong harness before it starts anything", async () => {
    const events: SuiteEvent[] = [];
    const wrong = { name: "wrong" } as unknown as ConformanceHarness;
    await expect(runSuite(wrong, { onEvent: (event) => void events.push(event) })).rejects.toThrow(TypeError);
    expect(events).toEqual([]);
  });
});

describe("levels", () => {
  const passed = new Map(cases.map((one) => [one.id, resultWith(one.id, { status: "passed" })]));
  const withResult = (id: string, result: Partial<CaseResult>): ReadonlyMap<string, CaseResult> =>
    new Map([...passed, [id, resultWith(id, result)]]);
  const idOf = (level: string): string => cases.find((one) => levelOf(one) === level && one.id !== smokeId)?.id ?? "";

  test("every level has cases, and cases with `needs` are of the level `abilities`", () => {
    expect(new Set(cases.map(levelOf))).toEqual(new Set(["batch", "outcomes", "abilities"]));
    for (const one of cases) if (one.needs?.length) expect(levelOf(one), one.id).toBe("abilities");
    for (const one of cases) if (one.subject === "ability") expect(one.needs, one.id).toBeDefined();
  });

  test.each([
    ["batch", { status: "failed" }, ["failed", "failed", "failed"]],
    ["outcomes", { status: "failed" }, ["passed", "failed", "failed"]],
    ["abilities", { status: "failed" }, ["passed", "passed", "failed"]],
    ["outcomes", { status: "skipped", skip: "asked" }, ["passed", "incomplete", "incomplete"]],
    ["outcomes", { status: "skipped", skip: "not-applicable" }, ["passed", "passed", "passed"]],
    ["abilities", { status: "skipped", skip: "ability" }, ["passed", "passed", "incomplete"]],
    ["batch", { status: "skipped", skip: "not-run" }, ["incomplete", "incomplete", "incomplete"]],
  ] as const)("a case of %s with %o", (level, result, expected) => {
    expect(Object.values(levelsOf(cases, withResult(idOf(level), result)))).toEqual(expected);
  });
});

function harnessOf(data: ReferenceData, open: Set<Driver> = new Set()): ConformanceHarness {
  return {
    name: "reference",
    modelRuns: 16,
    driver: () => {
      const inner = referenceDriver(data);
      open.add(inner);
      return wrapDriver(inner, {
        close: async () => {
          open.delete(inner);
          await inner.close();
        },
      });
    },
  };
}

function resultOf({ results }: SuiteResult, id: string): CaseResult | undefined {
  return results.find((each) => each.id === id);
}

function resultWith(id: string, result: Partial<CaseResult>): CaseResult {
  const about = { rule: "S1", subject: "core", level: "batch", title: "", milliseconds: 0, seed: 0 } as const;
  return { id, ...about, status: "passed", ...result };
}

function countsOf(results: readonly CaseResult[]): SuiteResult["counts"] {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { status } of results) counts[status]++;
  return counts;
}

/** Returns the keys that are left in the data of a reference driver. */
function keysIn(data: ReferenceData): string[] {
  return [...data.values()].flatMap((bucket) => [...bucket.keys()]);
}
