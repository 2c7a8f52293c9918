import type { Bytes, CallName, Calls } from "../stores/calls.js";
import { type Caller, type ImportObject, type Shape, settle, toErrorPayload, WitError } from "./shape.js";

type Pair<Value> = readonly [key: string, value: Value];

/** What `get-many` returns for a key: an optional pair, or since pull request 55 a pair with an optional value. */
type Place = Pair<Bytes> | undefined | Pair<Bytes | undefined>;

const places: Record<"optional-pair" | "optional-value", (key: string, value: Bytes | undefined) => Place> = {
  "optional-pair": (key, value) => value && [key, value],
  "optional-value": (key, value) => [key, value],
};

/** Returns the imports `store`, `atomics` and `batch` of `wasi:keyvalue`. Each host has its own classes. */
export function wasiKeyvalue(shape: Exclude<Shape, "wasmcloud-0.2">, caller: Caller): ImportObject {
  const hasNumbers = shape === "draft";
  const toPlace = places[shape === "draft2" ? "optional-value" : "optional-pair"];

  class Bucket {
    readonly identifier: string;

    constructor(identifier: string) {
      this.identifier = identifier;
    }

    get(key: string): unknown {
      return run(this, "get", (value) => value, key);
    }

    set(key: string, value: Uint8Array): unknown {
      return run(this, "set", nothing, key, value);
    }

    delete(key: string): unknown {
      return run(this, "delete", nothing, key);
    }

    exists(key: string): unknown {
      return run(this, "exists", (exists) => exists, key);
    }

    listKeys(cursor: string | bigint | undefined): unknown {
      return hasNumbers
        ? run(this, "listKeysByNumber", (page) => page, cursor as bigint | undefined)
        : run(this, "listKeys", (page) => page, undefined, cursor as string | undefined);
    }
  }

  /** What a `cas` handle compares: the value that the key had when the component got the handle. */
  class Cas {
    readonly bucket: Bucket;
    readonly key: string;
    readonly value: Bytes | undefined;

    constructor(bucket: Bucket, key: string, value: Bytes | undefined) {
      this.bucket = bucket;
      this.key = key;
      this.value = value;
    }

    static new(bucket: Bucket, key: string): unknown {
      return run(bucket, "get", (value) => new Cas(bucket, key, value), key);
    }

    current(): unknown {
      return this.value;
    }
  }

  function run<Name extends CallName, Result>(
    bucket: Bucket,
    name: Name,
    convert: (value: ReturnType<Calls[Name]>) => Result,
    ...args: Parameters<Calls[Name]>
  ): Result | Promise<Result> {
    return settle(caller.call(bucket.identifier, name, ...args), toErrorPayload, convert);
  }

  function open(identifier: string): Bucket {
    const failure = caller.check(identifier);
    if (failure !== undefined) throw new WitError(toErrorPayload(failure));
    return new Bucket(identifier);
  }

  function swap(cas: Cas, value: Uint8Array): unknown {
    const { bucket, key, value: expected } = cas;
    return settle(
      caller.call(bucket.identifier, "compareAndSwap", key, expected, value),
      (failure) => ({ tag: "store-error", val: toErrorPayload(failure) }),
      (result) => {
        if (!result.swapped) throw new WitError({ tag: "cas-failed", val: new Cas(bucket, key, result.current) });
      },
    );
  }

  const increment = (bucket: Bucket, key: string, delta: bigint) =>
    run(bucket, hasNumbers ? "incrementUnsigned" : "increment", (sum) => sum, key, delta);

  return {
    "wasi:keyvalue/store": { Bucket, open },
    // The first draft has no compare-and-swap.
    "wasi:keyvalue/atomics": hasNumbers ? { increment } : { increment, Cas, swap },
    "wasi:keyvalue/batch": {
      getMany: (bucket: Bucket, keys: readonly string[]) =>
        run(bucket, "getMany", (values) => keys.map((key, index) => toPlace(key, values[index])), keys),
      setMany: (bucket: Bucket, pairs: readonly Pair<Uint8Array>[]) =>
        run(
          bucket,
          "setMany",
          nothing,
          pairs.map(([key]) => key),
          pairs.map(([, value]) => value),
        ),
      deleteMany: (bucket: Bucket, keys: readonly string[]) => run(bucket, "deleteMany", nothing, keys),
    },
  };
}

const nothing = (): undefined => undefined;
