import { createRequest, type Driver, FaultError, type SetRequest } from "@manykv/core/driver";
import { expect, test, vi } from "vitest";
import { answerLost, type CallFault, faultDriver, refused, seededFaultKinds, seededFaults } from "../../src/faults.js";
import { type ReferenceData, referenceDriver } from "../reference-driver.js";

const text = new TextEncoder();

test("the schedule receives every request in order, with its keys", async () => {
  const seen: string[] = [];
  const driver = faultDriver(referenceDriver(new Map()), ({ call, operation, keys }) => {
    seen.push(`${call} ${operation} ${keys.join(",")}`);
    return undefined;
  });
  await driver.set(set(["a", "b"]));
  await driver.get(createRequest({ bucket: "bucket", keys: ["a"] }));
  await driver.list(createRequest({ bucket: "bucket" }));
  expect(seen).toEqual(["0 set a,b", "1 get a", "2 list "]);
});

test("keys with a fault fail, and the other keys reach the engine", async () => {
  const data: ReferenceData = new Map();
  const fault: CallFault = {
    kind: "keys",
    of: (key) => {
      if (key === "a") return { kind: "unprocessed" };
      if (key === "b") return { kind: "fail", fault: refused };
      return key === "c" ? { kind: "fail", fault: answerLost, applied: true } : undefined;
    },
  };
  const answer = await faultDriver(referenceDriver(data), () => fault).set(set(["a", "b", "c", "d"]));
  expect(answer.unprocessed).toEqual([0]);
  expect(answer.faults).toMatchObject([
    { index: 1, code: "access-denied" },
    { index: 2, code: "connection-lost", effect: "unknown" },
  ]);
  expect([...(data.get("bucket")?.keys() ?? [])]).toEqual(["c", "d"]);
});

test("a request with fault `reject` rejects with a FaultError, whether or not the engine applied it", async () => {
  const data: ReferenceData = new Map();
  for (const applied of [false, true]) {
    const driver = faultDriver(referenceDriver(data), () => ({ kind: "reject", fault: answerLost, applied }));
    const error = await driver.set(set(["a"])).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(FaultError);
    expect(error).toMatchObject({ fault: answerLost });
    expect(data.get("bucket")?.has("a") ?? false).toBe(applied);
  }
});

test("a dropped request or response settles with effect `unknown` when the request is aborted", async () => {
  for (const kind of ["drop-request", "drop-answer"] as const) {
    const data: ReferenceData = new Map();
    const driver = faultDriver(referenceDriver(data), () => ({ kind }));
    const controller = new AbortController();
    const call = driver.set(set(["a"], controller.signal));
    setTimeout(() => controller.abort(), 5);
    expect((await call).faults).toMatchObject([{ index: 0, effect: "unknown" }]);
    expect(data.get("bucket")?.has("a") ?? false).toBe(kind === "drop-answer");
  }
});

test("a late write takes effect unless its fence is called", async () => {
  for (const fenced of [false, true]) {
    const data: ReferenceData = new Map();
    const driver = faultDriver(referenceDriver(data), () => ({ kind: "late-apply", milliseconds: 10 }));
    const { faults } = await driver.set(set(["a"]));
    if (fenced) await faults?.[0]?.fence?.(set([]));
    await new Promise((resolve) => setTimeout(resolve, 40));
    expect(data.get("bucket")?.has("a") ?? false).toBe(!fenced);
  }
});

test("close() stops late writes and closes the inner driver", async () => {
  const data: ReferenceData = new Map();
  const inner = referenceDriver(data);
  const close = vi.fn();
  const driver = faultDriver({ ...inner, close }, () => ({ kind: "late-apply", milliseconds: 10 }));
  await driver.set(set(["a"]));
  await driver.close();
  expect(close).toHaveBeenCalledOnce();
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(data.get("bucket")?.has("a") ?? false).toBe(false);
});

test("an optional method is absent if the inner driver lacks it", () => {
  const { exists: _, ...without } = referenceDriver(new Map());
  expect(faultDriver(without as Driver, () => undefined).exists).toBeUndefined();
});

test("an inner driver with `prepareSet` prepares only the keys without a fault", async () => {
  const sent: unknown[] = [];
  const inner: Driver = {
    ...referenceDriver(new Map()),
    prepareSet: (bucket, keys, values) => `${bucket} ${keys.join()} ${values.length}`,
    set: async ({ prepared }) => {
      sent.push(prepared);
      return {};
    },
  };
  const driver = faultDriver(inner, () => ({
    kind: "keys",
    of: (key) => (key === "b" ? { kind: "unprocessed" } : undefined),
  }));
  expect(driver.prepareSet).toBeUndefined();
  expect(await driver.set(set(["a", "b", "c"]))).toMatchObject({ unprocessed: [1] });
  expect(sent).toEqual(["bucket a,c 2"]);
});

test("a seeded schedule is reproducible, uses every kind of fault and prints its seed", () => {
  const call = (index: number) => ({ call: index, operation: "set", bucket: "bucket", keys: ["a"] }) as const;
  const kinds = (seed: number): string[] => {
    const schedule = seededFaults({ seed });
    return Array.from({ length: 200 }, (_, index) => schedule(call(index))?.kind ?? "none");
  };
  expect(kinds(7)).toEqual(kinds(7));
  expect(kinds(7)).not.toEqual(kinds(8));
  expect(new Set(kinds(7)).size).toBeGreaterThan(6);
  expect(String(seededFaults({ seed: 7 }))).toBe("seeded faults, seed 7");
  for (const kind of seededFaultKinds) {
    const schedule = seededFaults({ seed: 1, rate: 1, faults: [kind] });
    expect(schedule(call(0))).toBeDefined();
  }
  expect(seededFaults({ seed: 7, rate: 1, operations: ["get"] })(call(0))).toBeUndefined();
});

function set(keys: readonly string[], signal?: AbortSignal): SetRequest {
  const values = keys.map((key) => text.encode(key));
  return createRequest({ bucket: "bucket", keys, values, ...(signal && { signal }) });
}
