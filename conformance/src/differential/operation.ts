import type { Abilities, Limits, SetOptions } from "@manykv/core";
import fc from "fast-check";
import type { Ability } from "../conformance-case.js";
import { bytes } from "../support/bytes.js";
import { show } from "../support/show.js";
import { keyOfBytes } from "../support/strings.js";

/** Returns a valid or invalid key, which may contain the name of the other bucket. */
export type KeyMaker = (otherBucket: string) => unknown;

/** One call on one of two buckets. The name of the second bucket starts with the name of the first. */
export type DifferentialCall = { readonly bucket: 0 | 1 } & (
  | { readonly method: "get" | "exists" | "delete"; readonly key: KeyMaker }
  | { readonly method: "set"; readonly key: KeyMaker; readonly value: unknown; readonly options: SetOptions }
  | {
      readonly method: "getMany" | "getMap" | "existsMany" | "ttlMany" | "deleteMany";
      readonly keys: readonly KeyMaker[];
    }
  | {
      readonly method: "setMany";
      readonly entries: readonly (readonly [KeyMaker, unknown])[];
      readonly options: SetOptions;
    }
  | { readonly method: "increment"; readonly key: KeyMaker; readonly delta: bigint | number }
  | {
      readonly method: "compareAndSwap";
      readonly key: KeyMaker;
      /** `current` expects the value that the key has. */
      readonly expected: Uint8Array | undefined | "current";
      readonly value: Uint8Array | undefined;
    }
  | { readonly method: "keys" | "clear"; readonly prefix: KeyMaker }
);

/** A time to live that does not end during a run, in milliseconds. */
const longTtl = 3_600_000;

const deltas: readonly (bigint | number)[] = [1, -1, 0, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n, 1.5, 2n ** 63n];

/**
 * Largest `maxValueBytes`, in bytes, for which values at and above the limit are tested. Thousands of larger values
 * would take too long.
 */
const largestLimit = 1_000_000;

/**
 * Returns a fast-check arbitrary for call sequences, with keys and values below, at and above the limits. The calls need
 * only abilities that are true in `abilities`.
 */
export function differentialCalls(
  limits: Limits,
  abilities: Pick<Abilities, Ability>,
): fc.Arbitrary<DifferentialCall[]> {
  const key = keys(limits);
  const value = values(limits);
  const bucket = fc.constantFrom(0 as const, 1 as const);
  const list = fc.array(key, { maxLength: 7 });
  const options = fc.constantFrom<SetOptions>(
    {},
    {},
    {},
    ...(abilities.ttl ? [{ ttl: longTtl }] : []),
    ...(abilities.ifAbsent ? [{ ifAbsent: true }] : []),
  );
  const digits = fc.constantFrom(...["0", "1", "-1", "01", "9223372036854775807", ""].map(bytes));
  const calls: readonly (fc.WeightedArbitrary<DifferentialCall> & { readonly needs?: Ability })[] = [
    {
      weight: 4,
      arbitrary: fc.record({
        bucket,
        method: fc.constant("setMany" as const),
        entries: fc.array(fc.tuple(key, value), { maxLength: 7 }),
        options,
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        bucket,
        method: fc.constantFrom("getMany" as const, "getMap" as const, "existsMany" as const, "deleteMany" as const),
        keys: list,
      }),
    },
    {
      weight: 1,
      needs: "ttl",
      arbitrary: fc.record({ bucket, method: fc.constant("ttlMany" as const), keys: list }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        bucket,
        method: fc.constant("set" as const),
        key,
        value: fc.oneof({ weight: 3, arbitrary: value }, { weight: 1, arbitrary: digits }),
        options,
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        bucket,
        method: fc.constantFrom("get" as const, "exists" as const, "delete" as const),
        key,
      }),
    },
    {
      weight: 2,
      needs: "increment",
      arbitrary: fc.record({
        bucket,
        method: fc.constant("increment" as const),
        key,
        delta: fc.constantFrom(...deltas),
      }),
    },
    {
      weight: 2,
      needs: "compareAndSwap",
      arbitrary: fc.record({
        bucket,
        method: fc.constant("compareAndSwap" as const),
        key,
        expected: fc.oneof(fc.constantFrom(undefined, "current" as const), digits),
        value: fc.oneof(fc.constant(undefined), digits, fc.uint8Array({ maxLength: 20 })),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ bucket, method: fc.constantFrom("keys" as const, "clear" as const), prefix: key }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ bucket, method: fc.constant("keys" as const), prefix: fc.constant(always("")) }),
    },
  ];
  const call = fc.oneof(...calls.filter(({ needs }) => needs === undefined || abilities[needs]));
  return fc.array(call, { minLength: 1, maxLength: 40, size: "max" });
}

/**
 * Returns a fast-check arbitrary for keys: a few frequent keys, strings from all of Unicode, keys that start with the
 * other bucket's name, keys at and above the length limit, and invalid keys.
 */
function keys({ maxKeyBytes }: Limits): fc.Arbitrary<KeyMaker> {
  const hot = ["", "a", "A", "a\0", "\0", "__proto__", "constructor", "é", "e\u0301", "a:b", "{a}b", "*", "a*"];
  const widths = fc.constantFrom(1 as const, 2 as const, 3 as const, 4 as const);
  const separators = [":", "/", "\0", ".", "-", "_", "|", "#", "\x01", "\xff", "}", " ", ""];
  return fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(...hot).map(always) },
    { weight: 6, arbitrary: fc.string({ unit: "binary", maxLength: 12 }).map(always) },
    { weight: 2, arbitrary: fc.string({ unit: "grapheme", maxLength: 12 }).map(always) },
    { weight: 2, arbitrary: fc.constantFrom(...separators).map((by) => (other: string) => `${other}${by}a`) },
    { weight: 1, arbitrary: widths.map((width) => always(keyOfBytes(maxKeyBytes, width))) },
    { weight: 1, arbitrary: widths.map((width) => always(keyOfBytes(maxKeyBytes + 1, width))) },
    {
      weight: 1,
      arbitrary: fc
        .array(fc.nat({ max: 0xffff }), { maxLength: 4 })
        .map((units) => always(String.fromCharCode(...units))),
    },
    { weight: 1, arbitrary: fc.constantFrom<unknown>(undefined, null, 5, {}, ["a"], "\ud800").map(always) },
  );
}

function values({ maxValueBytes }: Limits): fc.Arbitrary<unknown> {
  const small = fc.uint8Array({ maxLength: Math.min(40, maxValueBytes) });
  const usual = [
    { weight: 20, arbitrary: small },
    { weight: 1, arbitrary: fc.constantFrom<unknown>("text", undefined, null, [1], new ArrayBuffer(3)) },
  ];
  if (maxValueBytes > largestLimit) return fc.oneof(...usual);
  const sizes = [maxValueBytes - 1, maxValueBytes, maxValueBytes + 1, 3 * maxValueBytes + 1].filter(
    (size) => size >= 0,
  );
  const atLimits = fc.constantFrom(...sizes).map((size) => new Uint8Array(size).fill(size & 0xff));
  return fc.oneof(...usual, { weight: 1, arbitrary: atLimits });
}

function always(key: unknown): KeyMaker {
  return () => key;
}

/** Returns a call in words. A key that contains the name of the other bucket contains `OTHER-BUCKET` instead. */
export function describeCall({ bucket, method, ...input }: DifferentialCall): string {
  const made = (value: unknown): unknown => {
    if (typeof value === "function") return value("OTHER-BUCKET");
    return Array.isArray(value) ? value.map(made) : value;
  };
  const parts = Object.entries(input).map(([name, value]) => `${name}: ${show(made(value))}`);
  return `bucket ${bucket + 1}: ${method} ${parts.join(", ")}`;
}
