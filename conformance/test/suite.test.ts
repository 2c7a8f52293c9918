import { afterEach, describe, expect, test, vi } from "vitest";
import { type ConformanceHarness, cases, conformanceSuite, type Runner, runCase } from "../src/index.js";
import { broken, withMethods } from "./broken-drivers.js";
import { type ReferenceData, referenceDriver } from "./reference-driver.js";

const data: ReferenceData = new Map();
const harness: ConformanceHarness = { name: "reference", driver: () => referenceDriver(data) };
const networkCases = cases.filter(({ subject }) => subject === "network");

afterEach(() => {
  vi.restoreAllMocks();
});

describe("the suite", () => {
  test("defines one test for each case", () => {
    vi.spyOn(console, "log").mockImplementation(() => {});
    const { runner, tests, skipped } = notingRunner();
    conformanceSuite(runner, harness);
    expect(tests.length + skipped.length).toBe(cases.length);
    expect(skipped.length).toBe(networkCases.length);
  });

  test("prints each skipped case with its reason, once", async () => {
    const print = vi.spyOn(console, "log").mockImplementation(() => {});
    const { runner, tests, skipped } = notingRunner();
    conformanceSuite(runner, { ...harness, skip: { "s04-order-of-keys": "the engine cannot" } });
    expect(print).not.toHaveBeenCalled();
    for (const { body } of tests.slice(0, 2)) await body();
    const lines = print.mock.calls.flatMap(([text]) => String(text).split("\n"));
    expect(lines).toContain("reference: skipped s04-order-of-keys: the engine cannot");
    expect(lines.length).toBe(networkCases.length + 1);
    expect(skipped.some((name) => name.includes("(skipped: the engine cannot)"))).toBe(true);
  });

  test("marks the names of skipped tests if the runner has no `skip`", () => {
    const names: string[] = [];
    const runner: Runner = { describe: (_, body) => body(), test: (name) => void names.push(name) };
    conformanceSuite(runner, { ...harness, skip: { "s04-order-of-keys": "the engine cannot" } });
    expect(names.length).toBe(cases.length);
    expect(names.filter((name) => name.includes("(skipped: ")).length).toBe(networkCases.length + 1);
  });

  test("runs the network cases of a harness with servers", () => {
    const { runner, skipped } = notingRunner();
    conformanceSuite(runner, { ...harness, servers: [{ host: "localhost", port: 1 }] });
    expect(skipped).toEqual([]);
  });

  test("throws if `skip` contains an unknown id, an empty reason or every case", () => {
    const { runner } = notingRunner();
    const skipping = (skip: Record<string, string>) => () => conformanceSuite(runner, { ...harness, skip });
    expect(skipping({ "s99-no-such-case": "why" })).toThrow(/s99-no-such-case/);
    expect(skipping({ "s04-order-of-keys": " " })).toThrow(/must contain a reason/);
    expect(skipping(Object.fromEntries(cases.map(({ id }) => [id, "all"])))).toThrow(/leaves no conformance case/);
  });

  test.each([
    [undefined, "must be a harness"],
    [{ driver: harness.driver }, "the harness: `name` must be a non-empty string"],
    [{ ...harness, name: "" }, "`name` must be a non-empty string"],
    [{ name: "reference" }, "reference: `driver` must be a function"],
    [{ ...harness, driver: referenceDriver(data) }, "`driver` must be a function"],
    [{ ...harness, server: [] }, "unknown field `server`: the valid fields are name, driver, options, servers,"],
    [{ ...harness, servers: { host: "localhost", port: 1 } }, "`servers` must be an array"],
    [{ ...harness, servers: ["localhost:1"] }, "`servers` must be an array"],
    [{ ...harness, knownServers: [{ what: "a server", driver: harness.driver }] }, "`knownServers` must be an array"],
    [{ ...harness, skip: "s04-order-of-keys" }, "`skip` must be an object"],
    [{ ...harness, modelRuns: "many" }, "`modelRuns` must be an integer of at least 1"],
    [{ ...harness, modelRuns: Number.NaN }, "`modelRuns` must be an integer"],
    [{ ...harness, seed: Number.NaN }, "`seed` must be an integer of at least 0"],
    [{ ...harness, seed: -1 }, "`seed` must be an integer of at least 0"],
  ])("throws a TypeError for the harness %o", (ill, message) => {
    const { runner, tests } = notingRunner();
    expect(() => conformanceSuite(runner, ill as ConformanceHarness)).toThrow(TypeError);
    expect(() => conformanceSuite(runner, ill as ConformanceHarness)).toThrow(message);
    expect(tests).toEqual([]);
  });

  test("each network case fails for a driver that ignores `route`", async () => {
    const ignoring = { ...harness, servers: [{ host: "localhost", port: 1 }] };
    // Without `child` in the harness, the cases that run in a child process skip themselves.
    for (const one of networkCases.filter(({ id }) => !id.includes("-process-")))
      expect((await runCase(one, ignoring)).failure?.message, one.id).toMatch(
        /no connection came through the proxies: `driver`/,
      );
  });

  test("a failed case rejects with an error that says what failed and how to replay it", async () => {
    vi.spyOn(console, "log").mockImplementation(() => {});
    const { runner, tests } = notingRunner();
    conformanceSuite(runner, { ...withMethods(broken.keepsDeletedKeys), seed: 42 });
    const failing = tests.find(({ name }) => name.startsWith("s07-model (driver):"));
    await expect(failing?.body()).rejects.toThrow(/Seed 42: to replay the failure, set `seed: 42` in the harness/);
  });

  test("if the smoke case fails, prints the driver's exception and runs no other case", async () => {
    const print = vi.spyOn(console, "log").mockImplementation(() => {});
    const { runner, tests } = notingRunner();
    conformanceSuite(runner, withMethods(broken.throwsInGet));
    const [smoke, other] = tests;
    await expect(smoke?.body()).rejects.toThrow(/TypeError: Cannot read .*\n {4}at /);
    await expect(other?.body()).rejects.toThrow(/^not run: driver-smoke failed$/);
    const skips: unknown[] = [];
    await other?.body({ skip: (reason) => skips.push(reason) });
    expect(skips).toEqual(["driver-smoke failed"]);
    expect(print).toHaveBeenCalledOnce();
    expect(print.mock.calls[0]?.[0]).toMatch(/^driver-smoke \(driver\): .*\nTypeError: Cannot read .*\n {4}at /);
  });

  test("if the smoke case fails and its test is filtered out, the first other test fails with its error", async () => {
    vi.spyOn(console, "log").mockImplementation(() => {});
    const { runner, tests } = notingRunner();
    conformanceSuite(runner, withMethods(broken.throwsInGet));
    const context = { skip: vi.fn() };
    await expect(tests[5]?.body(context)).rejects.toThrow(/^driver-smoke \(driver\): .*\nTypeError: Cannot read /);
    expect(context.skip).not.toHaveBeenCalled();
    await tests[6]?.body(context);
    expect(context.skip).toHaveBeenCalledWith("driver-smoke failed");
  });

  test("a close that fails is reported by one test", async () => {
    vi.spyOn(console, "log").mockImplementation(() => {});
    const { runner, tests } = notingRunner();
    conformanceSuite(runner, withMethods(broken.failsToClose));
    await expect(tests[0]?.body()).rejects.toThrow(/its cleanup failed: Error: the pool is closed already/);
    for (const { body } of tests.slice(1, 5)) await body();
  });
});

interface NotedTest {
  readonly name: string;
  readonly body: (context?: { skip: (reason: string) => void }) => Promise<void>;
}

/** Returns a runner, and the lists in which the runner records the defined tests and the names of skipped tests. */
function notingRunner(): { runner: Runner; tests: NotedTest[]; skipped: string[] } {
  const tests: NotedTest[] = [];
  const skipped: string[] = [];
  const noting = Object.assign(
    (name: string, body: NotedTest["body"]): void => {
      // Jest and Bun treat a parameter as a callback and wait for the test to call it.
      expect(body.length).toBe(0);
      tests.push({ name, body });
    },
    { skip: (name: string): void => void skipped.push(name) },
  );
  return { runner: { describe: (_, body) => body(), test: noting }, tests, skipped };
}
