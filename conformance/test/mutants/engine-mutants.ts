import {
  type Driver,
  type Fault,
  FaultError,
  type ItemFault,
  type KeysRequest,
  type WriteAnswer,
} from "@manykv/core/driver";
import { wrapDriver } from "../../src/faults/wrap-driver.js";
import type { CompleteDriver, Mutant } from "./mutant.js";

type KeysOperation = "get" | "exists" | "ttl" | "set" | "delete" | "setIfAbsent";

const keysOperations: readonly KeysOperation[] = ["get", "exists", "ttl", "set", "delete", "setIfAbsent"];

/** A driver whose layer above the engine has a bug, which shows only when the engine fails. */
function layer(
  name: string,
  rule: Mutant["rule"],
  killedBy: string,
  change: (engine: CompleteDriver) => Partial<Driver>,
): Mutant {
  return { name, rule, killedBy, layer: (engine) => wrapDriver(engine, change(engine as CompleteDriver)) };
}

/** Changes the answers of some methods. */
function answers(
  engine: CompleteDriver,
  operations: readonly KeysOperation[],
  change: (answer: WriteAnswer, request: KeysRequest) => WriteAnswer,
): Partial<Driver> {
  const changed = operations.map((operation) => {
    const method = engine[operation].bind(engine) as (request: KeysRequest) => Promise<WriteAnswer>;
    return [operation, async (request: KeysRequest) => change(await method(request), request)];
  });
  return Object.fromEntries(changed) as Partial<Driver>;
}

/** Changes every fault: those of single keys and those of whole requests. */
function faults(engine: CompleteDriver, change: (fault: Fault, request: KeysRequest) => Fault): Partial<Driver> {
  const operations = [...keysOperations, "increment", "compareAndSwap", "list", "listBuckets", "sweep"] as const;
  const changed = operations.map((operation) => {
    const method = engine[operation].bind(engine) as (request: unknown) => Promise<WriteAnswer>;
    return [
      operation,
      async (request: KeysRequest) => {
        try {
          const answer = await method(request);
          if (answer?.faults === undefined) return answer;
          return { ...answer, faults: answer.faults.map((fault) => ({ ...fault, ...change(fault, request) })) };
        } catch (error) {
          if (!FaultError.is(error)) throw error;
          throw new FaultError(change(error.fault, request));
        }
      },
    ];
  });
  return Object.fromEntries(changed) as Partial<Driver>;
}

const none: readonly number[] = [];

/** Mutants of the code that translates the errors and the partial answers of an engine. */
export const engineMutants: readonly Mutant[] = [
  layer("ignores how long the engine asks to wait", "S9", "s09-engine-set-reports", (engine) =>
    faults(engine, (fault) => ({ ...fault, retryAfter: undefined })),
  ),
  layer("drops the unprocessed keys of `exists`", "S10", "s10-engine-exists-recovers", (engine) =>
    answers(engine, ["exists"], (answer) => ({ ...answer, unprocessed: none })),
  ),
  layer("drops the unprocessed keys of `get`", "S10", "s10-engine-get-reports", (engine) =>
    answers(engine, ["get"], (answer) => ({ ...answer, unprocessed: none })),
  ),
  layer("drops the unprocessed keys of `ttl`", "S10", "s10-engine-ttl-recovers", (engine) =>
    answers(engine, ["ttl"], (answer) => ({ ...answer, unprocessed: none })),
  ),
  layer("acknowledges the unprocessed keys of `set`", "S9", "s09-engine-set-recovers", (engine) =>
    answers(engine, ["set"], (answer) => ({ ...answer, unprocessed: none })),
  ),
  layer("acknowledges the unprocessed keys of `delete`", "S9", "s09-engine-delete-reports", (engine) =>
    answers(engine, ["delete"], (answer) => ({ ...answer, unprocessed: none })),
  ),
  layer("reports a key that it cannot read as missing", "S10", "s10-engine-get-reports", (engine) =>
    answers(engine, ["get"], (answer) => ({ ...answer, faults: [] })),
  ),
  layer("reports a ttl that it cannot read as infinite", "S10", "s10-engine-ttl-reports", (engine) =>
    answers(engine, ["ttl"], (answer) => ({ ...answer, faults: [] })),
  ),
  layer("attributes the fault of a key to the next key", "S9", "s09-engine-set-reports", (engine) =>
    answers(engine, ["set"], (answer, { keys }) => ({
      ...answer,
      faults: answer.faults?.map((fault) => ({ ...fault, index: (fault.index + 1) % keys.length })),
    })),
  ),
  layer("numbers the faults from 0", "S9", "s09-engine-delete-reports", (engine) =>
    answers(engine, ["delete"], (answer) => ({
      ...answer,
      faults: answer.faults?.map((fault, index) => ({ ...fault, index })),
    })),
  ),
  layer("lists each unprocessed index twice", "S10", "s10-engine-get-reports", (engine) =>
    answers(engine, ["get"], (answer) => ({
      ...answer,
      unprocessed: answer.unprocessed?.flatMap((index) => [index, index]),
    })),
  ),
  layer("lists an index that the request does not have", "S9", "s09-engine-set-reports", (engine) =>
    answers(engine, ["set"], (answer, { keys }) => ({
      ...answer,
      unprocessed: answer.unprocessed?.length ? [...answer.unprocessed, keys.length] : none,
    })),
  ),
  layer("fails all keys if one key fails", "S9", "s09-engine-set-reports", (engine) =>
    answers(engine, ["set"], (answer, { keys }) => {
      const [fault] = answer.faults ?? [];
      return fault === undefined ? answer : { faults: keys.map((_, index): ItemFault => ({ ...fault, index })) };
    }),
  ),
  layer("reports only the first fault of a request", "S9", "s09-engine-delete-reports", (engine) =>
    answers(engine, ["delete"], (answer) => ({ ...answer, faults: answer.faults?.slice(0, 1) })),
  ),
  layer("forgets which keys exist if another key fails", "S18", "s18-engine-set-if-absent-reports", (engine) =>
    answers(engine, ["setIfAbsent"], (answer) => {
      const others = answer.faults?.filter(({ code }) => code !== "precondition-failed") ?? [];
      return others.length > 0 ? { ...answer, faults: others } : answer;
    }),
  ),
  layer("reports a failing key of `setIfAbsent` as existing", "S18", "s18-engine-set-if-absent-reports", (engine) =>
    answers(engine, ["setIfAbsent"], (answer) => ({
      ...answer,
      faults: answer.faults?.map((fault) => ({ ...fault, code: "precondition-failed" })),
    })),
  ),
  layer("says that throttling is permanent", "S10", "s10-engine-get-recovers", (engine) =>
    faults(engine, (fault) => (fault.code === "throttled" ? { ...fault, retryable: false } : fault)),
  ),
  layer("says that throttling of a listing is permanent", "S10", "s10-engine-list-recovers", (engine) =>
    faults(engine, (fault) => (fault.code === "throttled" ? { ...fault, retryable: false } : fault)),
  ),
  layer("says that a refusal is temporary", "S9", "s09-engine-delete-steady", (engine) =>
    faults(engine, (fault) => (fault.code === "access-denied" ? { ...fault, retryable: true } : fault)),
  ),
  layer("reports throttling as an unavailable server", "errors", "s09-engine-set-steady", (engine) =>
    faults(engine, (fault) => (fault.code === "throttled" ? { ...fault, code: "unavailable" } : fault)),
  ),
  layer("says that a lost write had no effect", "S9", "s09-engine-set-reports", (engine) =>
    faults(engine, (fault) => ({ ...fault, effect: "none" })),
  ),
  layer("says that a lost increment had no effect", "S20", "s20-engine-increment-recovers", (engine) =>
    faults(engine, (fault) => ({ ...fault, effect: "none" })),
  ),
  layer("says that a lost swap had no effect", "S21", "s21-engine-compare-and-swap-reports", (engine) =>
    faults(engine, (fault) => ({ ...fault, effect: "none" })),
  ),
  layer("says that every refused write may have been applied", "S9", "s09-engine-delete-reports", (engine) =>
    faults(engine, (fault) => ({ ...fault, effect: "unknown" })),
  ),
  layer("leaks a key in the reason if it is not the first key", "errors", "s09-engine-set-steady", (engine) =>
    faults(engine, (fault, { keys }) => {
      return keys.length > 1 ? { ...fault, reason: `${fault.reason}: ${keys.at(-1)}` } : fault;
    }),
  ),
  layer("counts a key that fails twice in a row as done", "S9", "s09-engine-set-recovers", (engine) =>
    forgetsAfterOne(engine, "set"),
  ),
  layer("counts a key that fails twice in a row as missing", "S10", "s10-engine-get-recovers", (engine) =>
    forgetsAfterOne(engine, "get"),
  ),
  layer("returns an empty page if a listing is refused", "S10", "s10-engine-list-reports", (engine) => ({
    list: (request) => engine.list(request).catch(() => ({ keys: [] })),
  })),
  layer("returns no buckets if their listing fails", "S10", "s10-engine-list-buckets-recovers", (engine) => ({
    listBuckets: (request) => engine.listBuckets(request).catch(() => ({ buckets: [] })),
  })),
  layer("says that a sweep that failed is done", "S17", "s17-engine-sweep-reports", (engine) => ({
    sweep: (request) => engine.sweep(request).catch(() => ({ swept: 0, done: true })),
  })),
  layer("reports a swap that fails as a lost race", "S21", "s21-engine-compare-and-swap-reports", (engine) => ({
    compareAndSwap: (request) =>
      engine.compareAndSwap(request).catch(() => ({ swapped: false, current: undefined }) as const),
  })),
  layer("repeats an increment that fails", "S20", "s20-engine-increment-reports", (engine) => ({
    increment: (request) => engine.increment(request).catch(() => engine.increment(request)),
  })),
];

/** Drops the second failure in a row of each key. */
function forgetsAfterOne(engine: CompleteDriver, operation: "get" | "set"): Partial<Driver> {
  const failedBefore = new Set<string>();
  return answers(engine, [operation], (answer, { keys }) => {
    const isSecond = (index: number): boolean => failedBefore.has(keys[index] as string);
    const unprocessed = answer.unprocessed?.filter((index) => !isSecond(index));
    for (const index of answer.unprocessed ?? []) failedBefore.add(keys[index] as string);
    return { ...answer, unprocessed };
  });
}
