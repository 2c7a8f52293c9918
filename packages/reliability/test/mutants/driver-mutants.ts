import type { ViolationKind } from "@manykv/conformance";
import type { Driver, Incomplete, ItemFault, KeysRequest, SetRequest, WriteAnswer } from "@manykv/core";
import type { Random } from "../../src/random.js";
import type { Plant } from "./workload.js";

/** A bug and the violations of which at least one must be found. */
export interface Mutant extends Plant {
  readonly name: string;
  readonly found: readonly ViolationKind[];
}

/** What does not fail for any key. */
const done: Incomplete = { unprocessed: [], faults: [] };
const lossKinds: readonly ViolationKind[] = ["lost-write", "false-applied", "stale-overwrite"];
const staleKinds: readonly ViolationKind[] = ["stale-read", "false-missing"];

/** A driver that differs from `inner` in some methods. */
function like(inner: Driver, changes: Partial<Driver>): Driver {
  return {
    name: inner.name,
    limits: inner.limits,
    keepsValues: inner.keepsValues ?? false,
    ...(inner.prepareSet && { prepareSet: inner.prepareSet.bind(inner) }),
    get: (request) => inner.get(request),
    set: (request) => inner.set(request),
    delete: (request) => inner.delete(request),
    exists: async (request) => {
      const answer = await inner.get(request);
      return { ...answer, values: answer.values.map((value) => value !== undefined) };
    },
    list: (request) => inner.list(request),
    close: () => inner.close(),
    classify: (error) => inner.classify(error),
    ...changes,
  };
}

function sub(request: SetRequest, keep: (index: number) => boolean): SetRequest {
  const { bucket, signal, deadline, keys, values } = request;
  return {
    bucket,
    signal,
    deadline,
    keys: keys.filter((_, index) => keep(index)),
    values: values.filter((_, index) => keep(index)),
  };
}

const failsWhole = (keys: readonly string[]): WriteAnswer => ({
  faults: keys.map((_, index): ItemFault => ({ index, code: "internal", retryable: false, effect: "none" })),
});

const isPartial = ({ faults = [], unprocessed = [] }: Incomplete): boolean =>
  faults.length + unprocessed.length > 0;

function mutant(
  name: string,
  found: readonly ViolationKind[],
  changes: (inner: Driver, random: Random) => Partial<Driver>,
): Mutant {
  return { name, found, driver: (inner, random) => like(inner, changes(inner, random)) };
}

export const driverMutants: readonly Mutant[] = [
  mutant("acknowledges writes that it drops", lossKinds, (inner, random) => ({
    set: async (request) => (random.chance(0.3) ? done : inner.set(request)),
  })),
  mutant("takes what was left unprocessed for done", lossKinds, (inner) => ({
    set: async (request) => ({ ...(await inner.set(request)), unprocessed: [] }),
  })),
  mutant("takes failed keys for done", lossKinds, (inner) => ({
    set: async (request) => ({ ...(await inner.set(request)), faults: [] }),
  })),
  mutant("says that all failed where some did", ["false-not-applied"], (inner) => ({
    set: async (request) => {
      const answer = await inner.set(request);
      return isPartial(answer) ? failsWhole(request.keys) : answer;
    },
  })),
  mutant("says that a lost write was not applied", ["false-not-applied"], (inner) => ({
    set: async (request) => {
      const { faults = [], ...rest } = await inner.set(request);
      return {
        ...rest,
        faults: faults.map((fault) => ({ ...fault, effect: "none" as const, retryable: false })),
      };
    },
    classify: (error) => ({ ...inner.classify(error), effect: "none", retryable: false }),
  })),
  mutant("reads errors as missing", ["false-missing"], (inner) => ({
    get: async (request) => inner.get(request).catch(() => ({ values: request.keys.map(() => undefined) })),
  })),
  mutant("reads what was throttled as missing", ["false-missing"], (inner) => ({
    get: async (request) => ({ ...(await inner.get(request)), ...done }),
  })),
  mutant("says that a key does not exist where it could not ask", ["false-missing"], () => ({
    exists: async (request) => ({ values: request.keys.map(() => false) }),
  })),
  mutant("reads from a replica that is behind", staleKinds, (inner, random) => {
    const replica = new Map<string, Uint8Array | undefined>();
    const nameOf = ({ bucket }: KeysRequest, key: string): string => `${bucket}/${key}`;
    return {
      get: async (request) => {
        const answer = await inner.get(request);
        const values = answer.values.map((value, index) => {
          const name = nameOf(request, request.keys[index] as string);
          const seen = replica.has(name) && random.chance(0.6) ? replica.get(name) : value;
          replica.set(name, value?.slice());
          return seen?.slice();
        });
        return { ...answer, values };
      },
    };
  }),
  mutant("caches what it has read", staleKinds, (inner) => {
    const cache = new Map<string, Uint8Array>();
    return {
      get: async (request) => {
        const answer = await inner.get(request);
        const values = answer.values.map((value, index) => {
          const name = `${request.bucket}/${request.keys[index]}`;
          const cached = cache.get(name);
          if (value !== undefined && cached === undefined) cache.set(name, value.slice());
          return cached?.slice() ?? value;
        });
        return { ...answer, values };
      },
    };
  }),
  mutant("loses the last byte of a value", ["torn-value"], (inner) => ({
    set: (request) =>
      inner.set({ ...sub(request, () => true), values: request.values.map((value) => value.slice(0, -1)) }),
  })),
  mutant("mixes two values", ["torn-value"], (inner) => ({
    set: (request) => {
      const values = request.values.map((value, index) => {
        const other = request.values[index === 0 ? request.values.length - 1 : 0] as Uint8Array;
        return Uint8Array.from(value, (byte, place) => (place < 6 ? byte : (other[place] ?? 0)));
      });
      return inner.set({ ...sub(request, () => true), values });
    },
  })),
  mutant("writes the values in another order", ["value-nobody-wrote"], (inner) => ({
    set: (request) => inner.set({ ...sub(request, () => true), values: [...request.values].reverse() }),
  })),
  mutant("answers in another order than was asked", ["value-nobody-wrote"], (inner) => ({
    get: async (request) => {
      const answer = await inner.get(request);
      return isPartial(answer) ? answer : { values: [...answer.values].reverse() };
    },
  })),
  mutant("gives away its own memory", ["torn-value"], (inner) => {
    const memory = new Map<string, Uint8Array>();
    return {
      get: async (request) => {
        const answer = await inner.get(request);
        const values = answer.values.map((value, index) => {
          const name = `${request.bucket}/${request.keys[index]}`;
          const kept = memory.get(name);
          if (value === undefined || kept?.length === value.length) return value && kept;
          memory.set(name, value);
          return value;
        });
        return { ...answer, values };
      },
    };
  }),
  mutant("has a fence that does nothing", ["stale-overwrite", "impossible-order"], (inner) => {
    const withoutFence = <Answer extends Incomplete>(answer: Answer): Answer => ({
      ...answer,
      faults: answer.faults?.map((fault) => ({ ...fault, fence: async () => {} })),
    });
    return {
      set: async (request) => withoutFence(await inner.set(request)),
      delete: async (request) => withoutFence(await inner.delete(request)),
    };
  }),
  mutant("sends an old command again later", ["stale-overwrite", "impossible-order"], (inner) => ({
    set: async (request) => {
      const { bucket, deadline } = request;
      const values = request.values.map((value) => value.slice());
      const again = {
        bucket,
        deadline,
        keys: [...request.keys],
        values,
        signal: new AbortController().signal,
      };
      setTimeout(() => inner.set(again).catch(() => {}), 2_000);
      return inner.set(request);
    },
  })),
  mutant("acknowledges deletes that it drops", [...lossKinds, ...staleKinds], (inner, random) => ({
    delete: async (request) => (random.chance(0.4) ? done : inner.delete(request)),
  })),
  mutant("deletes the key beside", lossKinds, (inner) => ({
    delete: (request) => {
      const { bucket, signal, deadline, keys } = request;
      return inner.delete({ bucket, signal, deadline, keys: keys.map((key) => (key === "a" ? "b" : key)) });
    },
  })),
  mutant("takes back what it has acknowledged of a batch that failed", lossKinds, (inner) => ({
    set: async (request) => {
      const answer = await inner.set(request);
      if (!isPartial(answer)) return answer;
      const failed = new Set([
        ...(answer.faults ?? []).map(({ index }) => index),
        ...(answer.unprocessed ?? []),
      ]);
      await inner.delete(sub(request, (index) => !failed.has(index)));
      return answer;
    },
  })),
  mutant("keeps all buckets in one", ["value-nobody-wrote"], (inner) => ({
    set: (request) => inner.set({ ...sub(request, () => true), bucket: "one" }),
    get: ({ keys, signal, deadline }) => inner.get({ keys, signal, deadline, bucket: "one" }),
  })),
  mutant("lists all but the last key", ["false-missing"], (inner) => ({
    list: async (request) => ({ keys: (await inner.list(request)).keys.slice(0, -1) }),
  })),
  mutant("lists deleted keys", [...staleKinds, ...lossKinds, "value-nobody-wrote"], (inner) => {
    const listed = new Set<string>();
    return {
      list: async (request) => {
        const { keys } = await inner.list(request);
        for (const key of keys) listed.add(key);
        return { keys: [...listed] };
      },
    };
  }),
];
