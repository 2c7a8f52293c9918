import type { AnomalyKind } from "@manykv/conformance/checker";
import { type Random, wrapDriver } from "@manykv/conformance/faults";
import {
  allDone,
  changeRequest,
  createRequest,
  type Driver,
  type ItemFault,
  type KeysRequest,
  keyExists,
  pickKeys,
  type WriteAnswer,
} from "@manykv/core/driver";
import type { Plant } from "./workload.js";

/** A planted bug. The checker must find an anomaly of at least one of the kinds in `found`. */
export interface Mutant extends Plant {
  readonly name: string;
  readonly found: readonly AnomalyKind[];
}

const lossKinds: readonly AnomalyKind[] = ["lost-write", "false-applied", "stale-overwrite"];
const staleKinds: readonly AnomalyKind[] = ["stale-read", "false-missing"];
const conditionKinds: readonly AnomalyKind[] = ["false-condition"];
const countKinds: readonly AnomalyKind[] = ["impossible-order", "unwritten-value"];

/** Returns a driver with the methods in `changes`. All other methods call `inner`. */
function like(inner: Driver, changes: Partial<Driver>): Driver {
  const exists: Driver["exists"] = async (request) => {
    const answer = await inner.get(request);
    return { ...answer, values: answer.values.map((value) => value !== undefined) };
  };
  return wrapDriver(inner, { exists, ...changes });
}

const failsWhole = (keys: readonly string[]): WriteAnswer => ({
  faults: keys.map((_, index): ItemFault => ({ index, code: "internal", retryable: false, effect: "none" })),
});

const isPartial = ({ faults = [], unprocessed = [] }: WriteAnswer): boolean => faults.length + unprocessed.length > 0;

function mutant(
  name: string,
  found: readonly AnomalyKind[],
  changes: (inner: Required<Driver>, random: Random) => Partial<Driver>,
): Mutant {
  return { name, found, driver: (inner, random) => like(inner, changes(inner as Required<Driver>, random)) };
}

export const driverMutants: readonly Mutant[] = [
  mutant("acknowledges writes that it drops", lossKinds, (inner, random) => ({
    set: async (request) => (random.chance(0.3) ? allDone : inner.set(request)),
  })),
  mutant("treats unprocessed keys as done", lossKinds, (inner) => ({
    set: async (request) => ({ ...(await inner.set(request)), unprocessed: [] }),
  })),
  mutant("treats failed keys as done", lossKinds, (inner) => ({
    set: async (request) => ({ ...(await inner.set(request)), faults: [] }),
  })),
  mutant("reports that all keys failed if some keys failed", ["false-not-applied"], (inner) => ({
    set: async (request) => {
      const answer = await inner.set(request);
      return isPartial(answer) ? failsWhole(request.keys) : answer;
    },
  })),
  mutant("reports that a lost write was not applied", ["false-not-applied"], (inner) => ({
    set: async (request) => {
      const { faults = [], ...rest } = await inner.set(request);
      return {
        ...rest,
        faults: faults.map((fault) => ({ ...fault, effect: "none" as const, retryable: false })),
      };
    },
    classify: (error) => ({ ...inner.classify(error), effect: "none", retryable: false }),
  })),
  mutant("reports keys as missing if a read fails", ["false-missing"], (inner) => ({
    get: async (request) => inner.get(request).catch(() => ({ values: request.keys.map(() => undefined) })),
  })),
  mutant("reports throttled keys as missing", ["false-missing"], (inner) => ({
    get: async (request) => ({ ...(await inner.get(request)), unprocessed: [], faults: [] }),
  })),
  mutant("reports without a request that keys do not exist", ["false-missing"], () => ({
    exists: async (request) => ({ values: request.keys.map(() => false) }),
  })),
  mutant("reads from a replica that lags behind", staleKinds, (inner, random) => {
    const replica = new Map<string, Uint8Array<ArrayBuffer> | undefined>();
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
    const cache = new Map<string, Uint8Array<ArrayBuffer>>();
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
    set: (request) => inner.set(changeRequest(request, { values: request.values.map((value) => value.slice(0, -1)) })),
  })),
  mutant("mixes two values", ["torn-value"], (inner) => ({
    set: (request) => {
      const values = request.values.map((value, index) => {
        const other = request.values[index === 0 ? request.values.length - 1 : 0] as Uint8Array;
        return Uint8Array.from(value, (byte, place) => (place < 6 ? byte : (other[place] ?? 0)));
      });
      return inner.set(changeRequest(request, { values }));
    },
  })),
  mutant("writes the values in the wrong order", ["unwritten-value"], (inner) => ({
    set: (request) => inner.set(changeRequest(request, { values: [...request.values].reverse() })),
  })),
  mutant("returns values in the wrong order", ["unwritten-value"], (inner) => ({
    get: async (request) => {
      const answer = await inner.get(request);
      return isPartial(answer) ? answer : { values: [...answer.values].reverse() };
    },
  })),
  mutant("returns the same memory for several reads", ["torn-value"], (inner) => {
    const memory = new Map<string, Uint8Array<ArrayBuffer>>();
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
    const withoutFence = <Answer extends WriteAnswer>(answer: Answer): Answer => ({
      ...answer,
      faults: answer.faults?.map((fault) => ({ ...fault, fence: async () => {} })),
    });
    return {
      set: async (request) => withoutFence(await inner.set(request)),
      delete: async (request) => withoutFence(await inner.delete(request)),
    };
  }),
  mutant("sends a request a second time, two seconds later", ["stale-overwrite", "impossible-order"], (inner) => ({
    set: async (request) => {
      const { bucket, keys } = request;
      const again = createRequest({ bucket, keys, values: request.values.map((value) => value.slice()) });
      setTimeout(() => inner.set(again).catch(() => {}), 2_000);
      return inner.set(request);
    },
  })),
  mutant("acknowledges deletes that it drops", [...lossKinds, ...staleKinds], (inner, random) => ({
    delete: async (request) => (random.chance(0.4) ? allDone : inner.delete(request)),
  })),
  mutant("deletes the wrong key", lossKinds, (inner) => ({
    delete: (request) =>
      inner.delete(changeRequest(request, { keys: request.keys.map((key) => (key === "a" ? "b" : key)) })),
  })),
  mutant("undoes acknowledged keys of a batch that failed", lossKinds, (inner) => ({
    set: async (request) => {
      const answer = await inner.set(request);
      if (!isPartial(answer)) return answer;
      const failed = new Set([...(answer.faults ?? []).map(({ index }) => index), ...(answer.unprocessed ?? [])]);
      await inner.delete(
        pickKeys(
          request,
          [...request.keys.keys()].filter((index) => !failed.has(index)),
        ),
      );
      return answer;
    },
  })),
  mutant("stores all buckets as one", ["unwritten-value"], (inner) => ({
    set: (request) => inner.set(changeRequest(request, { bucket: "one" })),
    get: (request) => inner.get(changeRequest(request, { bucket: "one" })),
  })),
  mutant("lists all but the last key", ["false-missing"], (inner) => ({
    list: async (request) => ({ keys: (await inner.list(request)).keys.slice(0, -1) }),
  })),
  mutant("lists deleted keys", [...staleKinds, ...lossKinds, "unwritten-value"], (inner) => {
    const listed = new Set<string>();
    return {
      list: async (request) => {
        const { keys } = await inner.list(request);
        for (const key of keys) listed.add(key);
        return { keys: [...listed] };
      },
    };
  }),
  mutant("overwrites keys in spite of `ifAbsent`", conditionKinds, (inner) => ({
    setIfAbsent: (request) => inner.set(request),
  })),
  mutant("reports that `ifAbsent` created the keys that it found", conditionKinds, (inner) => ({
    setIfAbsent: async (request) => {
      const { faults = [], ...rest } = await inner.setIfAbsent(request);
      return { ...rest, faults: faults.filter(({ code }) => code !== "precondition-failed") };
    },
  })),
  mutant("reports that `ifAbsent` found the keys that it created", ["false-not-applied"], (inner, random) => ({
    setIfAbsent: async (request) => {
      const answer = await inner.setIfAbsent(request);
      if (isPartial(answer) || random.chance(0.5)) return answer;
      return { faults: request.keys.map((_, index) => ({ ...keyExists, index })) };
    },
  })),
  mutant("counts increments twice", countKinds, (inner) => ({
    increment: async (request) => {
      const result = await inner.increment(request);
      await inner.increment(request).catch(() => {});
      return result;
    },
  })),
  mutant("repeats increments whose response was lost", countKinds, (inner) => ({
    increment: (request) => inner.increment(request).catch(() => inner.increment(request)),
  })),
  mutant("returns results of increments that it drops", ["lost-write", ...countKinds], (inner, random) => ({
    increment: async (request) => {
      if (random.chance(0.5)) return inner.increment(request);
      const { values } = await inner.get(request);
      return BigInt(new TextDecoder().decode(values[0]) || "0") + request.delta;
    },
  })),
  mutant("increments in two steps", ["lost-write", ...countKinds], (inner) => ({
    increment: async (request) => {
      const { values } = await inner.get(request);
      const sum = BigInt(new TextDecoder().decode(values[0]) || "0") + request.delta;
      await new Promise((resolve) => setTimeout(resolve, 20));
      await inner.set(changeRequest(request, { values: [new TextEncoder().encode(String(sum))] }));
      return sum;
    },
  })),
  mutant("starts the time of an expiring counter again", ["impossible-order"], (inner) => ({
    increment: async (request) => {
      const sum = await inner.increment(request);
      if (request.ttl === undefined) return sum;
      const values = [new TextEncoder().encode(String(sum))];
      await inner.set(changeRequest(request, { values, ttls: [request.ttl] })).catch(() => {});
      return sum;
    },
  })),
  mutant("swaps without comparing", conditionKinds, (inner) => ({
    compareAndSwap: async (request) => {
      const values = request.value && [request.value];
      if (values === undefined) await inner.delete(request);
      else await inner.set(changeRequest(request, { values }));
      return { swapped: true };
    },
  })),
  mutant("reports lost races as swapped", conditionKinds, (inner) => ({
    compareAndSwap: async (request) => {
      await inner.compareAndSwap(request);
      return { swapped: true };
    },
  })),
  mutant("reports swaps as lost races", ["false-not-applied", "false-condition"], (inner) => ({
    compareAndSwap: async (request) => {
      const result = await inner.compareAndSwap(request);
      return result.swapped ? { swapped: false, current: request.value && new Uint8Array(request.value) } : result;
    },
  })),
  mutant("returns an old value after a lost race", ["stale-read", "false-missing", "unwritten-value"], (inner) => ({
    compareAndSwap: async (request) => {
      const result = await inner.compareAndSwap(request);
      if (result.swapped || request.expected === undefined) return result;
      return { swapped: false, current: undefined };
    },
  })),
  mutant("removes the expiry when it swaps", ["impossible-order"], (inner) => ({
    compareAndSwap: async (request) => {
      const result = await inner.compareAndSwap(request);
      if (result.swapped && request.value !== undefined) {
        await inner.set(changeRequest(request, { values: [request.value] })).catch(() => {});
      }
      return result;
    },
  })),
  mutant("ignores `ttl`", ["wrong-expiry"], (inner) => ({
    set: (request) => inner.set(changeRequest(request, { ttls: undefined })),
  })),
  mutant("lets keys expire too early", ["wrong-expiry"], (inner) => ({
    set: (request) => inner.set(changeRequest(request, { ttls: request.ttls?.map((ttl) => ttl && ttl / 10) })),
  })),
  mutant("lets keys expire too late", ["wrong-expiry"], (inner) => ({
    set: (request) => inner.set(changeRequest(request, { ttls: request.ttls?.map((ttl) => ttl && ttl * 2) })),
  })),
];
