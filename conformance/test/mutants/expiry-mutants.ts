import { BatchError, createStore, type Entry, type SetOptions } from "@manykv/core";
import { changeRequest, createRequest, type Driver, keyExists } from "@manykv/core/driver";
import { wrapDriver } from "../../src/faults/wrap-driver.js";
import type { ReferenceData } from "../reference-driver.js";
import { belowCore, broken, changedBuckets, changedStore, type Mutant } from "./mutant.js";

/** Mutants that handle times to live, prefixes, the list of buckets, or missing abilities incorrectly. */
export const expiryMutants: readonly Mutant[] = [
  expiring("treats a `ttl` as seconds", "s17-expired-key-is-missing", (ttl) => ttl * 1_000),
  expiring(
    "rounds a `ttl` up to whole seconds",
    "s17-each-key-at-its-own-time",
    (ttl) => Math.ceil(ttl / 1_000) * 1_000,
  ),
  expiring("rounds a `ttl` down to 100 ms", "s17-each-key-at-its-own-time", (ttl) => Math.floor(ttl / 100) * 100 || 1),
  expiring("stores a `ttl` in 32 bits", "s17-longest-ttl", (ttl) => Math.max(1, ttl | 0)),
  expiring("ignores a `ttl` of less than 10 ms", "s17-shortest-ttl", (ttl) => (ttl < 10 ? undefined : ttl)),
  broken("lists expired keys", "S17", "s17-expired-keys-between-others", (_, data) => ({
    list: async ({ bucket, prefix }) => ({
      keys: [...(data.get(bucket)?.keys() ?? [])].filter((key) => key.startsWith(prefix)),
    }),
  })),
  broken("reports that expired keys exist", "S17", "s17-expired-key-is-missing", (_, data) => ({
    exists: async ({ bucket, keys }) => ({ values: keys.map((key) => data.get(bucket)?.has(key) === true) }),
  })),
  broken("keeps an earlier expiry in a set without `ttl`", "S17", "s17-set-removes-an-expiry", (inner) => ({
    set: async (request) => {
      const left = (await inner.ttl(request)).values;
      return inner.set(
        changeRequest(request, { ttls: left.map((old, index) => request.ttls?.[index] ?? old ?? undefined) }),
      );
    },
  })),
  broken("does not replace an earlier expiry by a later one", "S17", "s17-set-replaces-an-expiry", (inner) => ({
    set: async (request) => {
      const left = (await inner.ttl(request)).values;
      const ttls = request.ttls?.map((ttl, index) =>
        ttl === undefined ? undefined : Math.min(ttl, left[index] ?? ttl),
      );
      return inner.set(changeRequest(request, { ttls }));
    },
  })),
  broken("uses the first `ttl` of a request for all of its keys", "S17", "s17-mixed-batch", (inner) => ({
    set: (request) => {
      const first = request.ttls?.find((ttl) => ttl !== undefined);
      return inner.set(changeRequest(request, { ttls: request.ttls && request.keys.map(() => first) }));
    },
  })),
  {
    name: "uses the `ttl` of the call instead of those of entries",
    rule: "S17",
    killedBy: "s17-ttl-of-an-entry",
    createStore: changedBuckets((bucket) => ({
      setMany: (entries, options) =>
        bucket.setMany(
          Array.from(entries, ([key, value, own]) => [key, value, options?.ttl === undefined ? own : {}] as Entry),
          options,
        ),
    })),
  },
  broken("returns seconds from ttlMany", "S17", "s17-ttl-many", (inner) => ({
    ttl: async (request) => {
      const { values } = await inner.ttl(request);
      return { values: values.map((left) => (left ? Math.round(left / 1_000) : left)) };
    },
  })),
  broken("returns 0 from ttlMany for a key without an expiry", "S17", "s17-ttl-many-across-seams", (inner) => ({
    ttl: async (request) => ({ values: (await inner.ttl(request)).values.map((left) => (left === null ? 0 : left)) }),
  })),
  broken("returns `null` from ttlMany for a missing key", "S17", "s17-ttl-many", (inner) => ({
    ttl: async (request) => ({ values: (await inner.ttl(request)).values.map((left) => left ?? null) }),
  })),
  broken("finds an expired key with `ifAbsent`", "S17", "s17-expired-key-is-created", (inner, data) => ({
    setIfAbsent: async (request) => {
      const faults = request.keys.flatMap((key, index) =>
        data.get(request.bucket)?.has(key) ? [{ ...keyExists, index }] : [],
      );
      await inner.setIfAbsent(request);
      return { faults };
    },
  })),
  broken("increments the value of an expired key", "S17", "s17-expired-key-counts-as-0", (inner, data) => ({
    increment: async (request) => {
      revive(data, request.bucket, request.key);
      return inner.increment(request);
    },
  })),
  broken("compares the value of an expired key", "S17", "s17-expired-key-does-not-equal", (inner, data) => ({
    compareAndSwap: async (request) => {
      revive(data, request.bucket, request.key);
      return inner.compareAndSwap(request);
    },
  })),
  broken("deletes all keys with an expiry in a sweep", "S17", "s17-sweep", (inner, data) => ({
    sweep: async () => {
      for (const [bucket, entries] of data) {
        const keys = [...entries.keys()];
        const left = (await inner.ttl(createRequest({ bucket, keys }))).values;
        for (const [index, key] of keys.entries()) if (left[index] !== null) entries.delete(key);
      }
      return { swept: 0, done: true };
    },
  })),
  {
    name: "sweeps only once",
    rule: "S22",
    killedBy: "s22-sweep-steps",
    createStore: belowCore((driver, options) => {
      const { sweep } = driver;
      const once: Partial<Driver> = sweep
        ? { sweep: async (request) => ({ ...(await sweep.call(driver, request)), done: true }) }
        : {};
      return [wrapDriver(driver, once), options];
    }),
  },
  {
    name: "replaces an invalid `ttl` by a valid one",
    rule: "S17",
    killedBy: "s17-bad-ttl",
    createStore: changedBuckets((bucket) => ({
      set: (key, value, options) => bucket.set(key, value, options?.ttl === 0 ? { ...options, ttl: 1 } : options),
    })),
  },
  {
    name: "does not repeat the `ttl` of keys that it sends again",
    rule: "S17",
    killedBy: "s17-ttl-of-repeated-keys",
    createStore: belowCore((driver, options) => {
      let most = 0;
      const set: Driver["set"] = (request) => {
        const isRepeated = request.keys.length < most;
        most = Math.max(most, request.keys.length);
        return driver.set(isRepeated ? changeRequest(request, { ttls: undefined }) : request);
      };
      return [wrapDriver(driver, { set }), options];
    }),
  },
  {
    name: "ignores the `ttl` of coalesced sets",
    rule: "S17",
    killedBy: "s17-coalesced",
    createStore: changedStore((store) => ({
      open: async (name, options) => {
        const bucket = await store.open(name, options);
        const set = bucket.set.bind(bucket);
        return Object.assign(bucket, {
          set: (key: string, value: Uint8Array, { ttl: _, ...others }: SetOptions = {}) => set(key, value, others),
        });
      },
    })),
  },
  {
    name: "ignores `ttl` if the driver cannot make keys expire",
    rule: "S22",
    killedBy: "s22-without-ttl",
    createStore: changedBuckets((bucket, driver) => ({
      set: (key, value, { ttl, ...others } = {}) =>
        bucket.set(key, value, driver.ttl === undefined ? others : { ttl, ...others }),
    })),
  },
  {
    name: "sets the entries without `ttl` before it rejects the batch",
    rule: "S22",
    killedBy: "s22-without-ttl",
    createStore: changedBuckets((bucket, driver) => ({
      setMany: async (entries, options) => {
        const all = [...entries];
        if (driver.ttl === undefined && options?.ttl === undefined)
          await bucket.setMany(all.filter(([, , own]) => own?.ttl === undefined));
        return bucket.setMany(all, options);
      },
    })),
  },
  {
    name: "emulates a missing `setIfAbsent` with a read and a set",
    rule: "S22",
    killedBy: "s22-without-if-absent",
    createStore: changedBuckets((bucket, driver) => ({
      set: async (key, value, options) => {
        if (driver.setIfAbsent !== undefined || !options?.ifAbsent) return bucket.set(key, value, options);
        if (!(await bucket.exists(key))) await bucket.set(key, value);
      },
    })),
  },
  {
    name: "emulates a missing `increment` with a read and a set",
    rule: "S22",
    killedBy: "s22-without-increment",
    createStore: changedBuckets((bucket, driver) => ({
      increment: async (key, delta = 1n, options) => {
        if (driver.increment !== undefined) return bucket.increment(key, delta, options);
        const sum = BigInt(new TextDecoder().decode(await bucket.get(key)) || 0) + BigInt(delta);
        await bucket.set(key, new TextEncoder().encode(`${sum}`));
        return sum;
      },
    })),
  },
  {
    name: "yields no buckets if the driver cannot list them",
    rule: "S22",
    killedBy: "s22-without-buckets",
    createStore: changedStore((store, driver) => ({
      async *buckets(options) {
        if (driver.listBuckets !== undefined) yield* store.buckets(options);
      },
    })),
  },
  {
    name: "reports abilities that its driver lacks",
    rule: "S22",
    killedBy: "s22-without-compare-and-swap",
    createStore: changedStore((store) => ({
      describe: async (options) => {
        const description = await store.describe(options);
        return { ...description, abilities: { ...description.abilities, compareAndSwap: true } };
      },
    })),
  },
  broken("does not report an ability that it has", "S22", "s22-reported-abilities-work", () => ({
    describe: async () => ({ settlesLostWrites: true, abilities: { increment: false } }),
  })),
  listing("ignores the prefix", "s14-prefix-plain", () => true),
  listing("ignores the case of a prefix", "s14-prefix-plain", (key, prefix) =>
    key.toLowerCase().startsWith(prefix.toLowerCase()),
  ),
  listing("does not list the key that equals the prefix", "s14-prefix-plain", (key, prefix) =>
    prefix === "" ? true : key.startsWith(prefix) && key !== prefix,
  ),
  listing("treats % and _ in a prefix as wildcards", "s14-prefix-pattern-characters", (key, prefix) =>
    new RegExp(`^${quoted(prefix).replaceAll("%", ".*").replaceAll("_", ".")}`, "s").test(key),
  ),
  listing("treats * and ? in a prefix as wildcards", "s14-clear-prefix", (key, prefix) =>
    new RegExp(`^${quoted(prefix).replaceAll("\\*", ".*").replaceAll("\\?", ".")}`, "s").test(key),
  ),
  listing("removes backslashes from a prefix", "s14-prefix-pattern-characters", (key, prefix) =>
    key.startsWith(prefix.replaceAll("\\", "")),
  ),
  listing("normalizes a prefix", "s14-prefix-unicode", (key, prefix) => key.normalize().startsWith(prefix.normalize())),
  listing("truncates a prefix at U+0000", "s14-prefix-nul-characters", (key, prefix) =>
    key.startsWith(prefix.split("\0", 1)[0] as string),
  ),
  listing("ends the range of a prefix at its last character plus 1", "s14-prefix-last-characters", (key, prefix) => {
    const last = prefix.codePointAt(prefix.length - 1) ?? 0;
    return key >= prefix && (prefix === "" || key < prefix.slice(0, -1) + String.fromCharCode(last + 1));
  }),
  listing("compares only half of the last surrogate pair", "s14-prefix-astral-characters", (key, prefix) =>
    key.startsWith(prefix.isWellFormed() && !prefix.slice(0, -1).isWellFormed() ? prefix.slice(0, -1) : prefix),
  ),
  broken("applies a prefix only to the first page", "S14", "s14-prefix-many-pages", (inner) => ({
    list: (request) => inner.list(request.cursor === undefined ? request : changeRequest(request, { prefix: "" })),
  })),
  broken("finds the prefix in the joined names of buckets and keys", "S14", "s14-prefix-other-buckets", (_, data) => ({
    list: async ({ bucket, prefix }) => {
      const joined = [...data].flatMap(([name, entries]) => [...entries.keys()].map((key) => name + key));
      const start = bucket + prefix;
      return { keys: joined.filter((path) => path.startsWith(start)).map((path) => path.slice(bucket.length)) };
    },
  })),
  {
    name: "does not pass the prefix to the driver",
    rule: "S14",
    killedBy: "s14-prefix-reaches-the-driver",
    createStore: changedBuckets((bucket) => ({
      async *keys({ prefix = "", ...options } = {}) {
        for await (const key of bucket.keys(options)) if (key.startsWith(prefix)) yield key;
      },
    })),
  },
  {
    name: "clears the whole bucket instead of a prefix",
    rule: "S14",
    killedBy: "s14-clear-prefix",
    createStore: changedBuckets((bucket) => ({ clear: ({ prefix: _, ...options } = {}) => bucket.clear(options) })),
  },
  {
    name: "clears only the first page",
    rule: "S14",
    killedBy: "s14-clear-many-pages",
    createStore: changedBuckets((bucket) => ({
      clear: async (options) => bucket.deleteMany((await bucket.listKeys(options)).keys),
    })),
  },
  {
    name: "reports indexes that the caller of clear does not know",
    rule: "S14",
    killedBy: "s14-clear-failures",
    createStore: changedBuckets((bucket) => ({
      clear: async (options) => {
        for await (const key of bucket.keys(options)) await bucket.deleteMany([key]);
      },
    })),
  },
  buckets("cuts the names of buckets at the first dash", "s13-list-buckets-similar-names", (names) => [
    ...new Set(names.map((name) => name.split("-", 1)[0] as string)),
  ]),
  buckets("ignores the case of the names that it lists", "s13-list-buckets-similar-names", (names) => [
    ...new Map(names.map((name) => [name.toLowerCase(), name])).values(),
  ]),
  buckets("lists at most 100 buckets", "s13-list-buckets-many", (names) => names.slice(0, 100)),
  broken("lists buckets that hold no key", "S13", "s13-list-buckets-empty", (_, data) => ({
    listBuckets: async () => ({ buckets: [...data.keys()] }),
  })),
  broken("lists buckets whose keys have all expired", "S13", "s13-list-buckets-expired", (_, data) => ({
    listBuckets: async () => ({ buckets: [...data.keys()].filter((name) => data.get(name)?.size) }),
  })),
  {
    name: "lists only the first page of buckets",
    rule: "S13",
    killedBy: "s13-list-buckets-pages",
    createStore: belowCore((driver, options) => {
      const listBuckets: Driver["listBuckets"] = async (request) => ({
        buckets: (await driver.listBuckets?.(request))?.buckets ?? [],
      });
      return [wrapDriver(driver, { listBuckets }), options];
    }),
  },
  {
    name: "lists buckets that the store does not serve",
    rule: "S13",
    killedBy: "s13-list-buckets-option",
    createStore: changedStore((_, driver, { buckets: __, ...options }) => ({
      buckets: (given) => createStore(driver, options).buckets(given),
    })),
  },
  {
    name: "counts an invalid batch with `ttl` as applied",
    rule: "S17",
    killedBy: "s17-bad-entry-options",
    createStore: changedBuckets((bucket) => ({
      setMany: async (entries, options) => {
        const all = [...entries];
        await bucket.setMany(all, options).catch((error: unknown) => {
          if (!BatchError.is(error) || error.code !== "invalid-argument") throw error;
        });
      },
    })),
  },
];

/** Returns a mutant that changes the `ttl` of each key that is set. */
function expiring(name: string, killedBy: string, change: (ttl: number) => number | undefined): Mutant {
  return broken(name, "S17", killedBy, (inner) => ({
    set: (request) => {
      const ttls = request.ttls?.map((ttl) => (ttl === undefined ? undefined : change(ttl)));
      return inner.set(changeRequest(request, { ttls }));
    },
  }));
}

/** Returns a mutant that lists the keys for which `fits` returns true, on one page. */
function listing(name: string, killedBy: string, fits: (key: string, prefix: string) => boolean): Mutant {
  return broken(name, "S14", killedBy, (_, data) => ({
    list: async ({ bucket, prefix }) => ({
      keys: [...(data.get(bucket)?.keys() ?? [])].filter((key) => fits(key, prefix)),
    }),
  }));
}

function buckets(name: string, killedBy: string, change: (names: readonly string[]) => readonly string[]): Mutant {
  return broken(name, "S13", killedBy, (inner) => ({
    listBuckets: async (request) => ({ buckets: change((await inner.listBuckets(request)).buckets) }),
  }));
}

/** Stores the value of a key again, without an expiry. */
function revive(data: ReferenceData, bucket: string, key: string): void {
  const value = data.get(bucket)?.get(key);
  if (value !== undefined) data.get(bucket)?.set(key, value.slice());
}

function quoted(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}
