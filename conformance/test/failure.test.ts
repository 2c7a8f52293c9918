import { type Fault, FaultError } from "@manykv/core/driver";
import { describe, expect, test } from "vitest";
import type { FaultSchedule } from "../src/faults/call-fault.js";
import { refused } from "../src/faults/engine-faults.js";
import {
  type CaseFailure,
  type ConformanceCase,
  type ConformanceHarness,
  cases,
  describeFailure,
  type EngineFailure,
  runCase,
  toJson,
} from "../src/index.js";
import { faultyWrite } from "../src/support/faulty-write.js";
import { broken, type Change, withMethods } from "./broken-drivers.js";
import { referenceDriver } from "./reference-driver.js";

describe("a failure shows", () => {
  test("the driver's own error, which the StoreError hides", async () => {
    const failure = await failureOf("s04-order-of-keys", broken.throwsInGetOfSeveral);
    expect(failure.phase).toBe("run");
    expect(failure.message).toMatch(/^StoreError: getMany on bucket .* internal/);
    expect(failure.message).not.toMatch(/Cannot read/);
    expect(failure.driverError).toBeInstanceOf(TypeError);
    expect(failure.cause).toHaveLength(1);
    expect(failure.cause[0]).toMatch(/^TypeError: Cannot read .*'rows'.*\n {4}at .*broken-drivers\.ts/);
  });

  test.each([
    ["driver-smoke", "set"],
    ["driver-with-exists", "exists"],
    ["s04-exists-many", "exists"],
  ])("the causes of a FaultError in %s", async (id, method) => {
    const fail = async (): Promise<never> => {
      const cause = new Error("Unknown column 'k'", { cause: "statement 7" });
      throw new FaultError({ ...lost, fence: async () => {} }, "failed", { cause });
    };
    const { cause } = await failureOf(id, () => ({ [method]: fail }));
    expect(cause.map((text) => text.split("\n")[0])).toEqual([
      "FaultError: failed",
      "Error: Unknown column 'k'",
      '"statement 7"',
    ]);
  });

  test("the last requests with their answers, and how the driver classified an error", async () => {
    const { requests } = await failureOf("s04-order-of-keys", broken.throwsInGetOfSeveral);
    expect(requests.length).toBeGreaterThan(1);
    expect(requests[0]).toMatch(/^1\. client 1: set in t\w{23} \[".*\] = \[\d+ bytes? ".*\] -> done \(\d+\.\d ms\)$/);
    expect(requests.at(-1)).toMatch(
      /^\d+\. client 1: get in t\w{23} \[".*\] -> throws TypeError: Cannot read .*, classified as internal, .*effect \w+$/,
    );
  });

  test("at most 20 requests, each on one line, whatever the size of the batch", async () => {
    const { requests } = await failureOf("s12-ten-thousand-keys", broken.keepsDeletedKeys);
    expect(requests.length).toBe(20);
    for (const line of requests) expect(line).toMatch(/^.{1,600}$/);
  });

  test("expected and actual bytes on one line", async () => {
    const { message } = await failureOf("s02-part-of-a-buffer", broken.losesTheLastByte);
    expect(message).toMatch(
      /^the value must be 100 bytes [0-9a-f]+\.\.\., but is 99 bytes [0-9a-f]+\.\.\.: from byte 99, expected [0-9a-f]{2}, actual the end$/,
    );
  });

  test("expected and actual values of nested results, and the first difference", async () => {
    const { message } = await failureOf("s03-any-iterable-of-keys", broken.keepsDeletedKeys);
    expect(message).toBe(`the values must be equal
  expected: [undefined, undefined]
  actual:   [["a", 1 byte "1"], ["b", 1 byte "2"]]
  first difference at [0]: expected undefined, actual ["a", 1 byte "1"]`);
  });

  test("the calls, the key and the values of a counterexample, and only its requests last", async () => {
    const { message, requests } = await failureOf("s07-model", broken.keepsDeletedKeys, { modelRuns: 400, seed: 1 });
    const [what, title, ...steps] = message.split("\n");
    expect(what).toMatch(/^the key ".*" (must be missing, but exists|is .*, but must be missing)$/);
    expect(title).toBe("This happens after these calls on a new bucket:");
    expect(steps.join("\n")).toMatch(/client \d: (deleteMany \[|clear with the prefix )"/);
    const bucketOf = (line: string | undefined): string | undefined => line?.match(/ in (t\w{23})/)?.[1];
    const last = requests.filter((line) => bucketOf(line) === bucketOf(requests.at(-1)));
    expect(requests.slice(-last.length)).toEqual(last);
    expect(last.join("\n")).toMatch(/: delete in /);
  });

  test("the injected faults in words, in their order among the requests", async () => {
    const { failure } = await runCase(deletesUnderFaults, withMethods(broken.keepsDeletedKeys));
    const { fault, requests = [] } = failure ?? {};
    expect(fault).toBe("keys fail with access-denied (effect none)");
    const place = requests.findIndex((line) => line.startsWith("-- fault of delete of 5 keys: keys fail with"));
    expect(requests[place + 1]).toMatch(/client 2: delete in /);
  });

  test("no fault if none was injected", async () => {
    expect(await failureOf("s03-any-iterable-of-keys", broken.keepsDeletedKeys)).not.toHaveProperty("fault");
  });
});

describe("describeFailure", () => {
  test("contains the case, the message, the stacks, the faults, the requests and the seed", async () => {
    const result = await runCase(deletesUnderFaults, withMethods(broken.keepsDeletedKeys));
    const lines = describeFailure(result).split("\n");
    expect(lines[0]).toBe(`s09-delete-under-faults (core): ${result.title}`);
    expect(lines[1]).toBe(result.failure?.message);
    expect(lines[2]).toMatch(/^ {4}at /);
    const rest = lines.slice(2).join("\n");
    expect(rest).toMatch(
      /\nInjected fault: keys fail .*\nLast requests to the driver:\n {2}1\. client 2: get in (?:.*\n)*Seed (\d+): to replay the failure, set `seed: \1` in the harness$/,
    );
  });

  test("returns an empty string for a case that passed", async () => {
    expect(describeFailure(await resultOf("s04-order-of-keys", () => ({})))).toBe("");
  });
});

test("toJson turns errors into text", async () => {
  const result = await resultOf("s04-order-of-keys", broken.throwsInGetOfSeveral);
  const { failure } = toJson(result) as { failure: Record<string, unknown> };
  expect(failure["error"]).toMatch(/^StoreError: getMany on bucket /);
  expect(failure["driverError"]).toMatch(/^TypeError: Cannot read /);
  expect(failure["requests"]).toEqual(result.failure?.requests);
});

test("a case that core makes fail, although the driver throws nothing, has no cause", async () => {
  const failure = await failureOf("s04-order-of-keys", (inner) => ({
    get: async (request) => ({ values: [...(await inner.get(request)).values].reverse() }),
  }));
  expect(failure.cause).toEqual([]);
  expect(failure).not.toHaveProperty("driverError");
});

test("runCase fails with the phase `cleanup` and the driver's error if only the cleanup fails", async () => {
  const failure = await failureOf("s04-order-of-keys", broken.failsToClose);
  expect(failure.phase).toBe("cleanup");
  expect(failure.message).toBe("Error: the pool is closed already");
});

test("a driver that throws before it returns a promise fails the case, and the log shows it", async () => {
  const failure = await failureOf("s04-order-of-keys", () => ({
    get: () => {
      throw new RangeError("too many parameters");
    },
  }));
  expect(failure.driverError).toBeInstanceOf(RangeError);
  expect(failure.requests.at(-1)).toMatch(/ -> throws RangeError: too many parameters/);
});

test("after a case has failed, its drivers send no more requests and new ones are closed", async () => {
  let [sent, closed] = [0, 0];
  const harness = withMethods((inner) => ({
    set: (request) => {
      sent++;
      return inner.set(request);
    },
    close: async () => {
      closed++;
    },
  }));
  const after: Promise<unknown>[] = [];
  const template = cases[0] as (typeof cases)[number];
  let open = (): void => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const failing = {
    ...template,
    run: async (context: Parameters<typeof template.run>[0]) => {
      const bucket = await context.bucket();
      after.push(gate.then(() => bucket.set("late", new Uint8Array(1))));
      after.push(gate.then(() => context.driver()));
      throw new Error("fails");
    },
  };
  expect((await runCase(failing, harness)).status).toBe("failed");
  open();
  const settled = await Promise.allSettled(after);
  expect(settled.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(sent).toBe(0);
  expect(closed).toBe(2);
});

test.each([
  ["s09-engine-set-reports", "the driver reports success"],
  ["s09-engine-set-recovers", "a request must fail, but none fails"],
  ["s10-engine-list-reports", "the driver reports success"],
  ["s10-engine-list-recovers", "a request must fail, but none fails"],
])("%s says that `start` may have no effect", async (id, message) => {
  const failure: EngineFailure = {
    what: "does not fail",
    operations: ["set", "list"],
    scope: "request",
    expected: lost,
    open: () => ({ driver: referenceDriver(new Map()), direct: referenceDriver(new Map()), start() {}, stop() {} }),
  };
  expect((await failureOf(id, () => ({}), { engineFailures: [failure] })).message).toMatch(
    new RegExp(`${message}: check that \`start\` of the engine failure has an effect$`),
  );
});

const lost: Fault = { code: "internal", retryable: false, effect: "unknown" };

/** A case in which every second key of a delete is refused. */
const deletesUnderFaults: ConformanceCase = {
  id: "s09-delete-under-faults",
  rule: "S9",
  subject: "core",
  title: "a delete with refused keys",
  async run(context) {
    const schedule: FaultSchedule = () => ({
      kind: "keys",
      of: (_, index) => (index % 2 === 1 ? { kind: "fail", fault: refused } : undefined),
    });
    await faultyWrite(context, { kind: "delete", keys: 5, schedule });
  },
};

async function resultOf(
  id: string,
  change: Change,
  options: Partial<ConformanceHarness> = {},
): ReturnType<typeof runCase> {
  const found = cases.find((one) => one.id === id);
  if (found === undefined) throw new Error(`no case has the id ${id}`);
  return runCase(found, { ...withMethods(change), ...options });
}

async function failureOf(id: string, change: Change, options?: Partial<ConformanceHarness>): Promise<CaseFailure> {
  const { failure } = await resultOf(id, change, options);
  if (failure === undefined) throw new Error(`${id} must fail`);
  return failure;
}
