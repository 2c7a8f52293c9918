import assert from "node:assert/strict";
import { BatchError, type Bucket, type CallOptions, type Outcome, StoreError, type StoreOptions } from "@manykv/core";
import type { Driver } from "@manykv/core/driver";
import type { CaseContext } from "../case-context.js";
import type { CallFault, FaultSchedule } from "../faults/call-fault.js";
import { faultDriver } from "../faults/fault-driver.js";
import { wrapDriver } from "../faults/wrap-driver.js";
import { bytes, sameBytes } from "../support/bytes.js";
import { quickRetry } from "../support/faulty-write.js";
import { nameOf as shownName } from "../support/round-trip.js";
import { settles } from "../support/settles.js";
import { assertTrue } from "../support/truth.js";
import { hasKeys, isWrite, old, type TableOperation, type Target } from "./operations.js";

/** Where a fault occurs: at one of the keys, requests or pages. */
export type Spot = "only" | "first" | "middle" | "last";

/** Time after which a call counts as hanging, in milliseconds. */
const hangs = 15_000;

/** The keys of a batch. `k0`, `k1` and `k2` are the spots. A read finds the others missing. */
const batchKeys = ["k0", "m0", "k1", "m1", "k2"] as const;
const spotKeys: Readonly<Record<Spot, string>> = { only: "k0", first: "k0", middle: "k1", last: "k2" };
/** The pages of a listing. The spots are the first, third and last one. */
const pages: readonly (readonly string[])[] = [[], ["k0", "m0"], ["k1"], ["m1"], ["k2"]];
const spotPages: Readonly<Record<Spot, number>> = { only: 0, first: 0, middle: 2, last: 4 };

/** What one operation did while there was a fault at a spot. */
export interface Report {
  /** The errors that its calls rejected with. */
  readonly errors: readonly StoreError[];
  /** Outcome of each key of a write. */
  readonly outcomes: readonly Outcome[];
  /** What a call that resolved returned. */
  readonly answers: readonly unknown[];
  /** Number of requests for the key or page at the spot. */
  readonly attempts: number;
  /** Number of keys in each of these requests. */
  readonly sizes: readonly number[];
}

/** A client with faults, and its bucket. */
export interface Probe {
  readonly target: Target;
  /** The keys of the call. */
  readonly keys: readonly string[];
  /** The key at the spot. */
  readonly spotKey: string;
  /** The same bucket through a client without faults. */
  readonly direct: Bucket;
  /** Number of requests that the driver has received. */
  requests(): number;
  /**
   * Calls the operation, waits until it settles, and asserts that everything it reports is true. Calls `onSettled` before
   * it reads the stored values.
   */
  run(options?: CallOptions, onSettled?: () => void): Promise<Report>;
  /** Returns the events so far: whatever a fault or fence notes, and each request at the spot. */
  readonly events: string[];
}

export interface ProbeOptions {
  readonly operation: TableOperation;
  readonly spot: Spot;
  /** Returns the fault of a request at the spot. `number` counts these requests from 1. */
  readonly fault?: (number: number, key: string) => CallFault | undefined;
  /** Returns the fault of any request. Default: requests at the spot have the fault that `fault` returns. */
  readonly schedule?: FaultSchedule;
  readonly store?: StoreOptions;
  /** Changes the driver below the faults. Requests without keys have an answer from a script. */
  readonly wrap?: (driver: Driver) => Driver;
  /** Names of the keys, by the names `k0`, `m0` and so on. Default: these names. */
  readonly nameOf?: (name: string) => string;
}

export type Prober = (options: ProbeOptions) => Promise<Probe>;

/** Creates probes that share one driver, so that a case with many faults opens only one client. */
export async function prober(context: CaseContext): Promise<Prober> {
  const driver = wrapDriver(await context.driver(), { close: async () => {} });
  const directStore = context.storeOf(driver, { timeout: 60_000 });
  return async (options) => {
    const { operation, spot, fault, store = {}, wrap = (same) => same, nameOf = (name) => name } = options;
    const direct = await directStore.open(context.bucketName());
    const names = operation.isBatch ? batchKeys.map(nameOf) : [nameOf(spotKeys[spot])];
    const spotKey = nameOf(spotKeys[spot]);
    const before = beforeOf(operation, operation.kind === "pages" ? batchKeys.map(nameOf) : names, nameOf);
    await direct.setMany(before);
    const position = { page: 0 };
    const events: string[] = [];
    const seen = { requests: 0, attempts: 0, sizes: [] as number[] };
    const isHere = (asked: readonly string[]): boolean =>
      hasKeys(operation) ? asked.includes(spotKey) : operation.kind === "control" || position.page === spotPages[spot];
    const schedule: FaultSchedule = (call) => {
      const { operation: method, keys } = call;
      seen.requests++;
      if (options.schedule !== undefined) return options.schedule(call);
      if (!operation.requests.includes(method)) return undefined;
      if (!isHere(keys)) return undefined;
      seen.attempts++;
      seen.sizes.push(keys.length);
      events.push("request");
      return fault?.(seen.attempts, spotKey);
    };
    const scripted = wrap(scriptedDriver(driver, direct.name, nameOf));
    const faulty = context.storeOf(countPages(faultDriver(scripted, schedule), position, nameOf), {
      retry: quickRetry,
      requestLimits: {},
      ...store,
    });
    const bucket = await faulty.open(direct.name, { coalesce: operation.coalesce === true });
    const target = { store: faulty, bucket };
    const what = `${operation.name} with a fault at the ${spot} position`;
    return {
      target,
      keys: names,
      spotKey,
      direct,
      events,
      requests: () => seen.requests,
      async run(given = {}, onSettled = () => {}) {
        const calls = operation.calls(target, names, given);
        const settled = await settles(Promise.allSettled(calls), hangs, what);
        onSettled();
        assert.ok(settled.status === "fulfilled");
        const report = reportOf(operation, names, settled.value, what);
        await assertReport(operation, { direct, names, before, what, nameOf }, report);
        return { ...report, ...seen };
      },
    };
  };
}

function beforeOf(
  operation: TableOperation,
  names: readonly string[],
  nameOf: (name: string) => string,
): Map<string, Uint8Array> {
  if (isWrite(operation)) {
    const { before } = operation;
    return new Map(before === undefined ? [] : names.map((name) => [name, bytes(before)]));
  }
  const missing = ["m0", "m1"].map(nameOf);
  return new Map(names.filter((name) => !missing.includes(name)).map((name) => [name, bytes(`${old} of ${name}`)]));
}

/** Returns a driver whose requests without keys are answered from a script. So no case searches a whole server. */
function scriptedDriver(driver: Driver, bucket: string, nameOf: (name: string) => string): Driver {
  const items = (cursor: string | undefined): string[] => [...(pages[pageAt(cursor, nameOf)] ?? [])];
  const next = (cursor: string | undefined): { cursor?: string } => {
    const page = pageAt(cursor, nameOf) + 1;
    return page < pages.length ? { cursor: nameOf(`page ${page}`) } : {};
  };
  return wrapDriver(driver, {
    list: async ({ cursor }) => ({ keys: items(cursor).map(nameOf), ...next(cursor) }),
    ...(driver.listBuckets && {
      listBuckets: async ({ cursor }) => ({ buckets: items(cursor).map((item) => bucket + item), ...next(cursor) }),
    }),
    sweep: async () => ({ swept: 1, done: false }),
    describe: async () => ({ settlesLostWrites: false }),
    provision: async () => {},
  });
}

/** Returns a driver that notes which page a request is for. A sweep has no cursor, so counts its steps. */
function countPages(driver: Driver, position: { page: number }, nameOf: (name: string) => string): Driver {
  const { listBuckets, sweep } = driver;
  let steps = 0;
  return wrapDriver(driver, {
    list(request) {
      position.page = pageAt(request.cursor, nameOf);
      return driver.list(request);
    },
    ...(listBuckets && {
      listBuckets(request) {
        position.page = pageAt(request.cursor, nameOf);
        return listBuckets.call(driver, request);
      },
    }),
    ...(sweep && {
      async sweep(request) {
        position.page = steps;
        const { swept } = await sweep.call(driver, request);
        return { swept, done: ++steps >= pages.length };
      },
    }),
  });
}

/** Returns the index of the page that a cursor stands for. */
function pageAt(cursor: string | undefined, nameOf: (name: string) => string): number {
  return pages.findIndex((_, index) => (index === 0 ? undefined : nameOf(`page ${index}`)) === cursor);
}

type Judged = Pick<Report, "errors" | "outcomes" | "answers">;

function reportOf(
  operation: TableOperation,
  keys: readonly string[],
  settled: readonly PromiseSettledResult<unknown>[],
  what: string,
): Judged {
  const errors: StoreError[] = [];
  const outcomes: Outcome[] = [];
  const answers: unknown[] = [];
  const each = keys.length / settled.length;
  for (const [index, result] of settled.entries()) {
    if (result.status === "fulfilled") {
      const isLostRace = operation.kind === "swap" && (result.value as [{ swapped: boolean }])[0].swapped === false;
      for (let key = 0; key < each; key++) outcomes.push(isLostRace ? "not-applied" : "applied");
      answers[index] = result.value;
      continue;
    }
    const { reason } = result;
    assert.ok(StoreError.is(reason), `${what} must reject with a StoreError, but rejects with ${String(reason)}`);
    errors.push(reason);
    if (!isWrite(operation)) continue;
    assert.ok(BatchError.is(reason), `${what} must reject with a BatchError`);
    for (let key = 0; key < each; key++) outcomes.push(reason.outcomeOf(key));
    const { applied, unknown, "not-applied": not } = reason.counts;
    assert.equal(applied + unknown + not, each, `${what}: the counts must add up to the number of entries`);
  }
  return { errors, outcomes, answers };
}

interface Truth {
  readonly direct: Bucket;
  readonly names: readonly string[];
  readonly before: ReadonlyMap<string, Uint8Array>;
  readonly what: string;
  readonly nameOf: (name: string) => string;
}

/** Asserts that outcomes are those of the stored values, and that no answer says that an existing key is missing. */
async function assertReport(
  operation: TableOperation,
  truth: Truth,
  { outcomes, answers, errors }: Judged,
): Promise<void> {
  const { direct, names, before, what, nameOf } = truth;
  if (isWrite(operation)) {
    const after = operation.after === undefined ? undefined : bytes(operation.after);
    await assertTrue(direct, { before, entries: names.map((name) => [name, after]) }, outcomes);
    return;
  }
  const all = pages.flat();
  switch (operation.name) {
    case "listKeys":
    case "keys":
    case "buckets": {
      const prefix = operation.name === "buckets" ? direct.name : "";
      const expected = all.map((item) => (prefix === "" ? nameOf(item) : prefix + item)).sort();
      for (const answer of answers) assert.deepEqual([...(answer as string[])].sort(), expected, what);
      return;
    }
    case "clear":
      if (errors.length === 0)
        assert.deepEqual(
          await direct.getMany(all.map(nameOf)),
          all.map(() => undefined),
          what,
        );
      return;
    case "sweep":
      for (const answer of answers) assert.equal(answer, pages.length, what);
      return;
    default:
      if (operation.kind === "read") assertFound(names, before, answers, what);
  }
}

function assertFound(
  names: readonly string[],
  before: ReadonlyMap<string, Uint8Array>,
  answers: readonly unknown[],
  what: string,
): void {
  const each = answers.length === 1 ? names.length : 1;
  for (const [call, answer] of answers.entries()) {
    if (answer === undefined) continue;
    for (const [index, found] of (answer as readonly unknown[]).entries()) {
      const name = names[call * each + index] as string;
      if (found instanceof Uint8Array)
        sameBytes(found, bytes(`${old} of ${name}`), `${what}: the value of ${shownName(name)}`);
      const exists = typeof found === "boolean" ? found : found !== undefined;
      assert.equal(
        exists,
        before.has(name),
        `${what}: ${name} must be reported as ${before.has(name) ? "there" : "missing"}`,
      );
    }
  }
}

/** Whether the errors report that a lost request of the key at `index` may still take effect. */
export function isUnsettled(errors: readonly StoreError[], operation: TableOperation, index: number): boolean {
  return errors.some((error) => {
    assert.ok(BatchError.is(error), "a write must reject with a BatchError");
    // Each coalesced call has its own error.
    return [...error.failures()].some(
      (failure) => (operation.coalesce || failure.index === index) && failure.unsettled,
    );
  });
}
