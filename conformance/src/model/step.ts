import fc from "fast-check";
import { nameOf } from "../support/round-trip.js";

/** Keys that engines often confuse with each other. There are only a few, so that several steps use the same key. */
export const modelKeys: readonly string[] = [
  "",
  "a",
  "A",
  "a\0",
  "__proto__",
  "é",
  "e\u0301",
  "😀",
  "*",
  "k".repeat(200),
];

/** One call. Contains an index into `modelKeys` for each key, and a size in bytes for each value. Values are unique. */
export type ModelCall = { readonly client: number } & (
  | { readonly method: "get" | "exists" | "delete"; readonly key: number }
  | { readonly method: "set"; readonly key: number; readonly size: number }
  | { readonly method: "getMany" | "getMap" | "existsMany" | "deleteMany"; readonly keys: readonly number[] }
  | { readonly method: "setMany"; readonly entries: readonly (readonly [key: number, size: number])[] }
  | { readonly method: "keys" | "clear"; readonly prefix: string }
);

/** Calls that run concurrently. */
export type ModelStep = readonly ModelCall[];

const key = fc.nat({ max: modelKeys.length - 1 });
const prefix = fc.constantFrom("", "a", "e", "*", "kk", "missing");
const size = fc.oneof({ weight: 8, arbitrary: fc.nat({ max: 40 }) }, { weight: 1, arbitrary: fc.nat({ max: 5_000 }) });
const keys = fc.array(key, { maxLength: 6 });
const entries = fc.array(fc.tuple(key, size), { maxLength: 6 });

/**
 * Returns a fast-check arbitrary for the steps of one run. Most steps contain one call. The others contain two or three
 * concurrent calls.
 */
export function modelSteps(clients: number): fc.Arbitrary<ModelStep[]> {
  const client = fc.nat({ max: clients - 1 });
  const call: fc.Arbitrary<ModelCall> = fc.oneof(
    { weight: 3, arbitrary: fc.record({ client, method: fc.constant("setMany" as const), entries }) },
    {
      weight: 3,
      arbitrary: fc.record({
        client,
        method: fc.constantFrom("getMany" as const, "getMap" as const, "existsMany" as const, "deleteMany" as const),
        keys,
      }),
    },
    { weight: 2, arbitrary: fc.record({ client, method: fc.constant("set" as const), key, size }) },
    {
      weight: 3,
      arbitrary: fc.record({
        client,
        method: fc.constantFrom("get" as const, "exists" as const, "delete" as const),
        key,
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ client, method: fc.constantFrom("keys" as const, "clear" as const), prefix }),
    },
    { weight: 1, arbitrary: fc.record({ client, method: fc.constant("keys" as const), prefix: fc.constant("") }) },
  );
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.tuple(call) },
    { weight: 1, arbitrary: fc.array(call, { minLength: 2, maxLength: 3 }) },
  );
  return fc.array(step, { minLength: 1, maxLength: 8 });
}

/** Returns a step in words. */
export function describeStep(step: ModelStep): string {
  const calls = step.map(describeCall);
  return calls.length === 1 ? (calls[0] as string) : `at the same time: ${calls.join("; ")}`;
}

function describeCall(call: ModelCall): string {
  return `client ${call.client + 1}: ${call.method} ${describeInput(call)}`;
}

function describeInput(call: ModelCall): string {
  const name = (index: number): string => nameOf(modelKeys[index] as string);
  const entry = ([index, bytes]: readonly [number, number]): string => `${name(index)} to about ${bytes} bytes`;
  switch (call.method) {
    case "set":
      return entry([call.key, call.size]);
    case "setMany":
      return `[${call.entries.map(entry).join(", ")}]`;
    case "keys":
    case "clear":
      return `with the prefix ${nameOf(call.prefix)}`;
    case "get":
    case "exists":
    case "delete":
      return name(call.key);
    default:
      return `[${call.keys.map(name).join(", ")}]`;
  }
}
