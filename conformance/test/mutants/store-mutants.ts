import { type KeyPage, type ListOptions, StoreError } from "@manykv/core";
import { changeRequest, createRequest, type Driver, type KeysRequest } from "@manykv/core/driver";
import { wrapDriver } from "../../src/faults/wrap-driver.js";
import { type ReferenceData, referenceDriver } from "../reference-driver.js";
import { belowCore, changedBuckets, changedStore, type Mutant } from "./mutant.js";

/** Mutants that mix up buckets, list keys incorrectly, ignore limits, or do not close correctly. */
export const storeMutants: readonly Mutant[] = [
  {
    name: "joins the bucket name and the key with a character that both may contain",
    rule: "S13",
    killedBy: "s13-keys-that-spell-a-bucket",
    driver: (data) => joinedDriver(data, (bucket, key) => `${bucket}.${key}`),
  },
  {
    name: "ignores the case of bucket names",
    rule: "S13",
    killedBy: "s13-names-that-begin-alike",
    driver: (data) => joinedDriver(data, (bucket, key) => `${bucket.toLowerCase()} ${key}`),
  },
  {
    name: "opens buckets with invalid names",
    rule: "S13",
    killedBy: "s13-bad-names",
    createStore: changedStore((store) => ({
      open: (name) => store.open(typeof name === "string" ? name.replace(/[^\w.-]/g, "_").slice(0, 64) || "_" : name),
    })),
  },
  {
    name: "ignores the option `buckets`",
    rule: "S13",
    killedBy: "s13-list-of-buckets",
    createStore: belowCore((driver, { buckets: _, ...options }) => [driver, options]),
  },
  {
    name: "sends a request when it opens a bucket",
    rule: "S13",
    killedBy: "s13-open-sends-nothing",
    createStore: changedStore((store, driver) => ({
      open: async (name) => {
        await driver.list(createRequest({ bucket: name }));
        return store.open(name);
      },
    })),
  },
  listing("skips the last key of a page", "s14-every-key", async (inner, request) => {
    const page = await inner.list(request);
    return page.cursor === undefined ? page : { keys: page.keys.slice(0, -1), cursor: page.cursor };
  }),
  listing("converts the cursor through Latin-1", "s14-every-key", (inner, request) => {
    const cursor = request.cursor && Buffer.from(request.cursor, "latin1").toString();
    return inner.list(changeRequest(request, { cursor }));
  }),
  listing("encodes the bytes of a key in its cursor as Latin-1", "s14-every-key", (inner, request) => {
    const cursor = request.cursor && Buffer.from(request.cursor).toString("latin1");
    return inner.list(changeRequest(request, { cursor }));
  }),
  listing("ends a listing after 10 pages", "s14-every-key", async (inner, request) => {
    const page = await inner.list(request);
    return page.cursor?.startsWith("10 ") ? { keys: page.keys } : page;
  }),
  {
    name: "ends a listing at an empty page",
    rule: "S14",
    killedBy: "s14-every-key",
    driver: (data) => {
      const inner = referenceDriver(data, { smallPages: true });
      return wrapDriver(inner, {
        list: async (request) => {
          const page = await inner.list(request);
          return page.keys.length === 0 ? { keys: [] } : page;
        },
      });
    },
  },
  {
    name: "treats the bucket name in the pattern of a listing as a LIKE pattern",
    rule: "S14",
    killedBy: "s14-only-this-bucket",
    driver: (data) =>
      wrapDriver(referenceDriver(data), {
        list: async ({ bucket }) => {
          const pattern = new RegExp(`^${bucket.replaceAll(".", "\\.").replaceAll("_", ".")}$`);
          return {
            keys: [...data].filter(([name]) => pattern.test(name)).flatMap(([, entries]) => [...entries.keys()]),
          };
        },
      }),
  },
  {
    name: "clears every bucket whose name matches as a LIKE pattern",
    rule: "S14",
    killedBy: "s14-clear",
    createStore: changedStore((store, driver) => ({
      async open(name, options) {
        const bucket = await store.open(name, options);
        const clear = bucket.clear.bind(bucket);
        const pattern = new RegExp(`^${name.replaceAll(".", "\\.").replaceAll("_", ".")}$`);
        return Object.assign(bucket, {
          clear: async (given: ListOptions) => {
            await clear(given);
            if (driver.listBuckets === undefined) return;
            const { buckets } = await driver.listBuckets(createRequest({ bucket: "" }));
            for (const other of buckets) if (pattern.test(other)) await (await store.open(other)).clear(given);
          },
        });
      },
    })),
  },
  {
    name: "compares bucket names as a LIKE pattern",
    rule: "S13",
    killedBy: "s13-names-that-begin-alike",
    driver: (data) => joinedDriver(data, (bucket, key) => `${bucket.replace(/[^a-zA-Z0-9]/g, "_")} ${key}`),
  },
  listing("uses offsets as cursors", "s14-changes-while-listing", async (inner, request) => {
    const { bucket, cursor } = request;
    const keys: string[] = [];
    let page = await inner.list(createRequest({ bucket }));
    for (; page.cursor !== undefined; page = await inner.list(changeRequest(request, { cursor: page.cursor })))
      keys.push(...page.keys);
    keys.push(...page.keys);
    const from = Number(cursor ?? 0);
    const next = from + 100;
    return { keys: keys.slice(from, next), ...(next < keys.length && { cursor: String(next) }) };
  }),
  {
    name: "lists the keys of every bucket whose name starts with the name of this bucket",
    rule: "S14",
    killedBy: "s14-only-this-bucket",
    driver: (data) =>
      wrapDriver(referenceDriver(data), {
        list: async ({ bucket }) => ({
          keys: [...data].filter(([name]) => name.startsWith(bucket)).flatMap(([, entries]) => [...entries.keys()]),
        }),
      }),
  },
  {
    name: "removes pattern characters from the keys that it lists",
    rule: "S14",
    killedBy: "s14-special-keys",
    driver: (data) => {
      const inner = referenceDriver(data);
      return wrapDriver(inner, {
        list: async (request) => {
          const page = await inner.list(request);
          return { ...page, keys: page.keys.map((key) => key.replace(/[*?[\]\\]/g, "")) };
        },
      });
    },
  },
  {
    name: "trusts the bucket name in a cursor",
    rule: "S14",
    killedBy: "s14-cursor-of-another-bucket",
    driver: (data) => {
      const inner = referenceDriver(data);
      return wrapDriver(inner, {
        list: async ({ bucket, cursor }) => {
          const [of = bucket, after] = cursor?.split("\n", 2) ?? [];
          const page = await inner.list(createRequest({ bucket: of, ...(after !== undefined && { cursor: after }) }));
          return page.cursor === undefined ? page : { keys: page.keys, cursor: `${of}\n${page.cursor}` };
        },
      });
    },
  },
  {
    name: "ends keys() after the first page",
    rule: "S14",
    killedBy: "s14-keys-iterates-all",
    createStore: changedBuckets((bucket) => ({
      async *keys(options) {
        const page: KeyPage = await bucket.listKeys(options);
        yield* page.keys;
      },
    })),
  },
  {
    name: "reports an invalid cursor as an engine error",
    rule: "S14",
    killedBy: "s14-bad-cursor",
    driver: (data) =>
      wrapDriver(referenceDriver(data), {
        classify: () => ({ code: "internal", retryable: false, effect: "none" }),
      }),
  },
  {
    name: "ignores lowered limits",
    rule: "S15",
    killedBy: "s15-lowered-value",
    createStore: belowCore((driver, { limits: _, ...options }) => [driver, options]),
  },
  {
    name: "ignores a lowered `maxKeyBytes`",
    rule: "S15",
    killedBy: "s15-lowered-key",
    createStore: belowCore((driver, { limits, ...options }) => [
      driver,
      {
        ...options,
        ...(limits?.maxValueBytes !== undefined && { limits: { maxValueBytes: limits.maxValueBytes } }),
      },
    ]),
  },
  {
    name: "silently lowers a limit that is above the backend's limit",
    rule: "S15",
    killedBy: "s15-raised-limits",
    createStore: belowCore((driver, { limits = {}, ...options }) => {
      const { maxKeyBytes = 1_024, maxValueBytes = 1e9 } = limits;
      const least = {
        maxKeyBytes: Math.min(maxKeyBytes, 1_024),
        maxValueBytes: Math.min(maxValueBytes, driver.limits.maxValueBytes),
      };
      return [driver, { ...options, limits: least }];
    }),
  },
  {
    name: "replaces an invalid timeout with the default",
    rule: "S15",
    killedBy: "s15-nonsense-options",
    createStore: belowCore((driver, { timeout, ...options }) => [
      driver,
      { ...options, ...(typeof timeout === "number" && timeout >= 0 && { timeout }) },
    ]),
  },
  {
    name: "ignores unknown options",
    rule: "S15",
    killedBy: "s15-unknown-options",
    createStore: belowCore((driver, { limits, buckets, timeout, requestLimits, concurrency, retry }) => [
      driver,
      { limits, buckets, timeout, requestLimits, concurrency, retry },
    ]),
  },
  {
    name: "stores a value over the limit",
    rule: "S2",
    killedBy: "s02-one-byte-too-long",
    createStore: changedStore((store, driver, options) => {
      const lenient = belowCore(() => [
        wrapDriver(driver, { limits: { ...driver.limits, maxValueBytes: 1e9 } }),
        options,
      ])(driver, options);
      return {
        open: async (name) => {
          const { limits } = await store.open(name);
          const bucket = await lenient.open(name);
          return new Proxy(bucket, {
            get: (target, property) => {
              if (property === "limits") return limits;
              const member = target[property as keyof typeof target];
              return typeof member === "function" ? (member as () => unknown).bind(target) : member;
            },
          });
        },
      };
    }),
  },
  {
    name: "closes without waiting for the calls in flight",
    rule: "S16",
    killedBy: "s16-calls-in-flight-settle-first",
    createStore: changedStore((_, driver) => ({ close: () => driver.close() })),
  },
  {
    name: "continues to work after close",
    rule: "S16",
    killedBy: "s16-close-set-many",
    createStore: changedStore(() => ({ close: async () => {} })),
  },
  {
    name: "rejects a second close",
    rule: "S16",
    killedBy: "s16-close-twice",
    createStore: changedStore((store) => {
      let closed = false;
      return {
        close: async () => {
          if (closed) throw new StoreError("closed", "the store was closed");
          closed = true;
          await store.close();
        },
      };
    }),
  },
  {
    name: "deletes the data when it closes",
    rule: "S16",
    killedBy: "s16-other-clients-stay-open",
    driver: (data) =>
      wrapDriver(referenceDriver(data), {
        close: async () => {
          data.clear();
        },
      }),
  },
  {
    name: "does not close when `Symbol.asyncDispose` is called",
    rule: "S16",
    killedBy: "s16-async-dispose",
    createStore: changedStore(() => ({ [Symbol.asyncDispose]: async () => {} })),
  },
];

function listing(
  name: string,
  killedBy: string,
  list: (inner: Driver, request: Parameters<Driver["list"]>[0]) => ReturnType<Driver["list"]>,
): Mutant {
  return {
    name,
    rule: "S14",
    killedBy,
    driver: (data) => {
      const inner = referenceDriver(data);
      return wrapDriver(inner, { list: (request) => list(inner, request) });
    },
  };
}

/** Returns a driver that stores all buckets in one map. The keys of this map are the strings that `join` returns. */
function joinedDriver(data: ReferenceData, join: (bucket: string, key: string) => string): Driver {
  const inner = referenceDriver(data);
  const joined = (request: KeysRequest) =>
    changeRequest(request, { bucket: "all", keys: request.keys.map((key) => join(request.bucket, key)) });
  return wrapDriver(
    inner,
    {
      get: (request) => inner.get(joined(request)),
      set: (request) => inner.set(joined(request)),
      delete: (request) => inner.delete(joined(request)),
      list: async ({ bucket }) => {
        const start = join(bucket, "");
        const keys = [...(data.get("all")?.keys() ?? [])].filter((key) => key.startsWith(start));
        return { keys: keys.map((key) => key.slice(start.length)) };
      },
    },
    ["exists"],
  );
}
