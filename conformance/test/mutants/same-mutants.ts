import { BatchError, createStore, StoreError, type StoreOptions } from "@manykv/core";
import { changeRequest, type Driver, FaultError } from "@manykv/core/driver";
import { wrapDriver } from "../../src/faults/wrap-driver.js";
import { referenceDriver } from "../reference-driver.js";
import { belowCore, type CreateStore, changedBuckets, changedStore, knownServer, type Mutant } from "./mutant.js";

/** Mutants whose behavior differs from that of other backends, and mutants of `describe`. */
export const sameMutants: readonly Mutant[] = [
  {
    name: "throws an error instead of returning a promise",
    rule: "same",
    killedBy: "same-no-synchronous-throw",
    createStore: changedBuckets((bucket) => ({
      get: (key, options) => {
        if (typeof key !== "string") throw new TypeError("the key is not a string");
        return bucket.get(key, options);
      },
    })),
  },
  {
    name: "returns views of a large block",
    rule: "same",
    killedBy: "same-value-memory",
    driver: (data) => {
      const inner = referenceDriver(data);
      return wrapDriver(inner, {
        get: async (request) => {
          const { values } = await inner.get(request);
          const block = new Uint8Array(1_000_000);
          let offset = 0;
          const copies = values.map((value) => {
            if (value === undefined) return undefined;
            block.set(value, offset);
            offset += value.byteLength;
            return block.subarray(offset - value.byteLength, offset);
          });
          return { values: copies };
        },
      });
    },
  },
  {
    name: "never lets other work on the event loop run",
    rule: "same",
    killedBy: "same-event-loop",
    createStore: changedBuckets(() => ({ get: async () => undefined })),
  },
  {
    name: "reports another driver in tracing events",
    rule: "same",
    killedBy: "same-tracing-events",
    createStore: belowCore((driver, options) => [wrapDriver(driver, { name: "wrapped" }), options]),
  },
  {
    name: "emits a warning when many calls run at once",
    rule: "same",
    killedBy: "same-no-warnings",
    createStore: changedBuckets((bucket) => {
      let calls = 0;
      return {
        set: (key, value, options) => {
          if (++calls === 20) process.emitWarning("possible memory leak");
          return bucket.set(key, value, options);
        },
      };
    }),
  },
  {
    name: "retries a steady refusal",
    rule: "same",
    killedBy: "same-steady-refusals",
    createStore: faults((fault) => ({ ...fault, retryable: true })),
  },
  {
    name: "reports a steady refusal with another code",
    rule: "same",
    killedBy: "same-steady-refusals",
    createStore: faults((fault) => ({ ...fault, code: "unavailable" })),
  },
  {
    name: "reads other data with other settings",
    rule: "same",
    killedBy: "same-variants",
    settings: () => ({ variants: [{ what: "another database", driver: () => referenceDriver(new Map()) }] }),
  },
  {
    name: "ignores the `ttl` of a batch with other settings",
    rule: "same",
    killedBy: "same-variants",
    settings: (data) => ({ variants: [{ what: "a new server", driver: () => withoutTtl(referenceDriver(data)) }] }),
  },
  {
    name: "reports another product",
    rule: "same",
    killedBy: "same-known-servers",
    settings: (data) => ({ knownServers: [knownServer(data, { product: "other" })] }),
  },
  {
    name: "does not report a setting that loses data",
    rule: "same",
    killedBy: "same-known-servers",
    settings: (data) => ({ knownServers: [knownServer(data, { findings: [] })] }),
  },
  {
    name: "accepts settings that can never work",
    rule: "same",
    killedBy: "same-invalid-settings",
    settings: (data) => ({ invalidSettings: [{ what: "port 0", driver: () => referenceDriver(data) }] }),
  },
  {
    name: "shows the password of settings that it refuses",
    rule: "same",
    killedBy: "same-invalid-settings",
    settings: () => ({ invalidSettings: [{ what: "port 0", driver: refuseWithSecret }] }),
  },
  {
    name: "does not report that lost writes cannot be settled",
    rule: "same",
    killedBy: "same-describe",
    driver: (data) => wrapDriver(referenceDriver(data), { describe: async () => ({ settlesLostWrites: false }) }),
  },
  {
    name: "does not retry describe",
    rule: "same",
    killedBy: "same-describe-fails-like-a-read",
    createStore: (driver, options) => {
      const once = createStore(driver, { ...options, retry: { attempts: 1 } });
      return changedStore(() => ({ describe: (own) => once.describe(own) }))(driver, options);
    },
  },
  {
    name: "ignores the signal of describe",
    rule: "same",
    killedBy: "same-describe-settles",
    createStore: changedStore((store) => ({
      describe: ({ signal: _, ...options } = {}) => store.describe({ timeout: 100, ...options }),
    })),
  },
  {
    name: "never reports an unsettled write",
    rule: "S9",
    killedBy: "s09-unsettled-without-fence",
    createStore: changedBuckets((bucket) => ({
      setMany: (entries, options) => settledAnyway(bucket.setMany(entries, options)),
    })),
  },
  {
    name: "reports every unknown write as unsettled",
    rule: "S9",
    killedBy: "s09-fence-set-many",
    createStore: faults(({ fence: _, ...fault }) => fault),
  },
  {
    name: "believes acknowledgements of a server that was replaced",
    rule: "S9",
    killedBy: "s09-new-generation",
    createStore: belowCore((driver, options) => [
      Object.defineProperty(wrapDriver(driver, {}), "generation", { value: undefined }),
      options,
    ]),
  },
  {
    name: "ignores which keys the driver reports as lost",
    rule: "S9",
    killedBy: "s09-lost-since",
    createStore: belowCore((driver, options) => [wrapDriver(driver, {}, ["lostSince"]), options]),
  },
  {
    name: "repeats a read whose response is too large without making it smaller",
    rule: "S10",
    killedBy: "s10-response-over-a-limit",
    createStore: faults((fault) => ({ ...fault, code: fault.code === "connection-lost" ? "unavailable" : fault.code })),
  },
  {
    name: "ignores the option `storeConcurrency`",
    rule: "S12",
    killedBy: "s12-store-concurrency",
    createStore: belowCore((driver, { storeConcurrency: _, ...options }) => [driver, options]),
  },
];

type FaultOf = FaultError["fault"];

/** Returns a `createStore` function that changes the faults that requests reject with. */
function faults(change: (fault: FaultOf) => FaultOf): CreateStore {
  const changed = async <Answer>(answer: Promise<Answer>): Promise<Answer> => {
    try {
      return await answer;
    } catch (error) {
      throw FaultError.is(error) ? new FaultError(change(error.fault)) : error;
    }
  };
  return belowCore((driver: Driver, options: StoreOptions) => [
    wrapDriver(
      driver,
      {
        get: (request) => changed(driver.get(request)),
        set: (request) => changed(driver.set(request)),
        delete: (request) => changed(driver.delete(request)),
        list: (request) => changed(driver.list(request)),
      },
      ["prepareSet", "exists"],
    ),
    options,
  ]);
}

async function settledAnyway(write: Promise<void>): Promise<void> {
  try {
    await write;
  } catch (error) {
    if (!BatchError.is(error)) throw error;
    const { code, message, counts } = error;
    const size = counts.applied + counts["not-applied"] + counts.unknown;
    throw new BatchError(code, message, {
      size,
      counts,
      outcomeOf: (index) => error.outcomeOf(index),
      causeOf: () => error,
      isUnsettled: () => false,
    });
  }
}

function refuseWithSecret(secret: string): never {
  throw new StoreError("invalid-argument", `the URL redis://:${secret}@host:0 has an invalid port`);
}

function withoutTtl(inner: Driver): Driver {
  return wrapDriver(inner, { set: (request) => inner.set(changeRequest(request, { ttls: undefined })) });
}
