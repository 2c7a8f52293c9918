import assert from "node:assert/strict";
import type { Bucket } from "@manykv/core";
import { bytes } from "../support/bytes.js";
import { clearTimeout, keysIn } from "../support/listed.js";
import { nameOf } from "../support/round-trip.js";
import type { ListingBudget } from "./listing-budget.js";
import { Model, type ModelValue } from "./model.js";
import { type ModelCall, type ModelStep, modelKeys } from "./step.js";

/**
 * Runs steps on an empty bucket and on a model, and compares the results of reads. `clients` are clients of the same
 * bucket. Lists keys only while `listings` has time left.
 */
export async function runSteps(
  clients: readonly Bucket[],
  steps: readonly ModelStep[],
  listings: ListingBudget,
): Promise<void> {
  const model = new Model();
  const values = new ValueMaker();
  for (const step of steps) {
    const affordable = step.filter(({ method }) => !listings.isSpent || (method !== "keys" && method !== "clear"));
    const isListing = affordable.some(({ method }) => method === "keys" || method === "clear");
    const run = runStep(clients, model, values, affordable);
    await (isListing ? listings.spend(run) : run);
  }
  const [client] = clients as [Bucket];
  await runStep(clients, model, values, [{ client: 0, method: "getMany", keys: [...modelKeys.keys()] }]);
  if (!listings.isSpent) checkListing(await listings.spend(keysIn(client)), model, new Map());
}

async function runStep(clients: readonly Bucket[], model: Model, values: ValueMaker, step: ModelStep): Promise<void> {
  const plans = step.map((call) => planOf(call, values));
  const writes = writesOf(plans);
  const settled = await Promise.allSettled(plans.map((plan) => plan.run(clients[plan.client] as Bucket)));
  for (const [index, result] of settled.entries()) {
    if (result.status === "rejected") throw result.reason;
    plans[index]?.check(result.value, model, writes);
  }
  for (const [key, written] of writes) model.write(key, written);
}

/** The values that the calls of one step write, by key. */
type Writes = ReadonlyMap<string, readonly ModelValue[]>;

/** A call, the values that it writes, and a check of its result. */
interface Plan {
  readonly client: number;
  readonly writes: ReadonlyMap<string, ModelValue>;
  run(bucket: Bucket): Promise<unknown>;
  check(answer: unknown, model: Model, writes: Writes): void;
}

function planOf(call: ModelCall, values: ValueMaker): Plan {
  const { client } = call;
  const none = new Map<string, ModelValue>();
  const nothing = (): void => {};
  switch (call.method) {
    case "get": {
      const key = keyAt(call.key);
      return {
        client,
        writes: none,
        run: (bucket) => bucket.get(key),
        check: (answer, model, writes) => observe(model, writes, key, textOf(answer as Uint8Array | undefined)),
      };
    }
    case "exists": {
      const key = keyAt(call.key);
      return {
        client,
        writes: none,
        run: (bucket) => bucket.exists(key),
        check: (answer, model, writes) => checkExists(key, answer as boolean, model, writes),
      };
    }
    case "getMany": {
      const keys = call.keys.map(keyAt);
      return {
        client,
        writes: none,
        run: (bucket) => bucket.getMany(keys),
        check: (answer, model, writes) => {
          const pairs = answer as readonly (readonly [string, Uint8Array] | undefined)[];
          assert.equal(pairs.length, keys.length, "getMany must return one result per key");
          for (const [index, key] of keys.entries()) {
            assert.equal(pairs[index]?.[0] ?? key, key, "getMany must return the keys in the order of its input");
            observe(model, writes, key, textOf(pairs[index]?.[1]));
          }
        },
      };
    }
    case "getMap": {
      const keys = call.keys.map(keyAt);
      return {
        client,
        writes: none,
        run: (bucket) => bucket.getMap(keys),
        check: (answer, model, writes) => {
          const map = answer as ReadonlyMap<string, Uint8Array>;
          for (const key of map.keys()) assert.ok(keys.includes(key), "getMap must return only keys of its input");
          for (const key of keys) observe(model, writes, key, textOf(map.get(key)));
        },
      };
    }
    case "existsMany": {
      const keys = call.keys.map(keyAt);
      return {
        client,
        writes: none,
        run: (bucket) => bucket.existsMany(keys),
        check: (answer, model, writes) => {
          const exist = answer as readonly boolean[];
          assert.equal(exist.length, keys.length, "existsMany must return one answer per key");
          for (const [index, key] of keys.entries()) checkExists(key, exist[index] === true, model, writes);
        },
      };
    }
    case "set": {
      const [key, value] = [keyAt(call.key), values.next(call.size)];
      return {
        client,
        writes: new Map([[key, value]]),
        run: (bucket) => bucket.set(key, bytes(value)),
        check: nothing,
      };
    }
    case "setMany": {
      const entries = call.entries.map(([key, size]) => [keyAt(key), values.next(size)] as const);
      return {
        client,
        writes: new Map(entries),
        run: (bucket) => bucket.setMany(entries.map(([key, value]) => [key, bytes(value)])),
        check: nothing,
      };
    }
    case "delete": {
      const key = keyAt(call.key);
      return {
        client,
        writes: new Map([[key, undefined]]),
        run: (bucket) => bucket.delete(key),
        check: nothing,
      };
    }
    case "deleteMany": {
      const keys = call.keys.map(keyAt);
      return {
        client,
        writes: new Map(keys.map((key) => [key, undefined])),
        run: (bucket) => bucket.deleteMany(keys),
        check: nothing,
      };
    }
    case "keys":
      return {
        client,
        writes: none,
        run: (bucket) => keysIn(bucket, call.prefix),
        check: (answer, model, writes) => checkListing(answer as readonly string[], model, writes, call.prefix),
      };
    case "clear": {
      const keys = modelKeys.filter((key) => key.startsWith(call.prefix));
      return {
        client,
        writes: new Map(keys.map((key) => [key, undefined])),
        run: (bucket) => bucket.clear({ prefix: call.prefix, timeout: clearTimeout }),
        check: nothing,
      };
    }
  }
}

function writesOf(plans: readonly Plan[]): Writes {
  const writes = new Map<string, ModelValue[]>();
  for (const plan of plans)
    for (const [key, value] of plan.writes) writes.set(key, [...(writes.get(key) ?? []), value]);
  return writes;
}

function observe(model: Model, writes: Writes, key: string, value: ModelValue): void {
  const beside = writes.get(key);
  if (beside === undefined) model.observe(key, value);
  else model.observeBeside(key, value, beside);
}

function checkExists(key: string, exists: boolean, model: Model, writes: Writes): void {
  const possible = [...model.possible(key), ...(writes.get(key) ?? [])].map((value) => value !== undefined);
  assert.ok(
    possible.includes(exists),
    `the key ${nameOf(key)} must ${exists ? "be missing" : "exist"}, but ${exists ? "exists" : "is missing"}`,
  );
}

/** Asserts that the listing contains every key that existed the whole time, and only keys that may have existed. */
function checkListing(listed: readonly string[], model: Model, writes: Writes, prefix = ""): void {
  const keys = modelKeys.filter((key) => key.startsWith(prefix));
  for (const key of listed)
    assert.ok(keys.includes(key), `the listing must not contain ${nameOf(key)}, which no call set`);
  for (const key of keys) checkExists(key, listed.includes(key), model, writes);
}

function keyAt(index: number): string {
  return modelKeys[index] as string;
}

function textOf(value: Uint8Array | undefined): ModelValue {
  return value === undefined ? undefined : new TextDecoder().decode(value);
}

/** Creates unique values of about the requested size in bytes. */
class ValueMaker {
  #count = 0;

  next(size: number): string {
    return `${++this.#count} `.padEnd(size, "v");
  }
}
