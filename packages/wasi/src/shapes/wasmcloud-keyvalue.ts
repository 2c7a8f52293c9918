import type { SwapResult } from "@manykv/core";
import type { Bytes, CallName, Calls } from "../stores/calls.js";
import { type Caller, type ImportObject, settle, toNamedErrorPayload, WitError } from "./shape.js";
import { versionOf } from "./version.js";

interface SetOptions {
  readonly ttlMs: bigint | undefined;
  readonly ifNotExists: boolean;
}

interface CasOptions {
  readonly requireVersion: string | undefined;
  readonly requireValue: Bytes | undefined;
}

interface Entry {
  readonly value: Bytes;
  readonly version: string;
}

type CasResult = { readonly tag: "swapped" } | { readonly tag: "stale"; readonly val: Entry | undefined };

type Pair = readonly [key: string, value: Uint8Array];

/** Returns the imports of `wasmcloud:keyvalue@0.2.0`. All functions are asynchronous. */
export function wasmcloudKeyvalue(caller: Caller): ImportObject {
  class Bucket {
    readonly identifier: string;

    constructor(identifier: string) {
      this.identifier = identifier;
    }

    async get(key: string): Promise<Bytes | undefined> {
      return run(this, "get", key);
    }

    async set(key: string, value: Uint8Array, options: SetOptions | undefined): Promise<void> {
      await run(this, "set", key, value, {
        ttl: toMilliseconds(options?.ttlMs),
        ifAbsent: options?.ifNotExists === true,
      });
    }

    async delete(key: string): Promise<void> {
      await run(this, "delete", key);
    }

    async exists(key: string): Promise<boolean> {
      return run(this, "exists", key);
    }

    async listKeys(prefix: string | undefined, cursor: string | undefined): Promise<unknown> {
      return run(this, "listKeys", prefix, cursor);
    }
  }

  async function run<Name extends CallName>(
    { identifier }: Bucket,
    name: Name,
    ...args: Parameters<Calls[Name]>
  ): Promise<ReturnType<Calls[Name]>> {
    return settle(caller.call(identifier, name, ...args), toNamedErrorPayload, (value) => value);
  }

  async function open(identifier: string): Promise<Bucket> {
    const failure = caller.check(identifier);
    if (failure !== undefined) throw new WitError(toNamedErrorPayload(failure));
    return new Bucket(identifier);
  }

  async function current(bucket: Bucket, key: string): Promise<Entry | undefined> {
    return toEntry(await run(bucket, "get", key));
  }

  /**
   * The version of an entry is a hash of its value, so a swap that requires a version requires the value with this hash.
   */
  async function swap(bucket: Bucket, key: string, value: Uint8Array, options: CasOptions): Promise<CasResult> {
    const { requireVersion, requireValue } = options;
    if (requireVersion === undefined && requireValue === undefined) throw new WitError({ tag: "invalid-argument" });
    let expected = requireValue;
    if (requireVersion !== undefined) {
      expected ??= await run(bucket, "get", key);
      if (expected === undefined || (await versionOf(expected)) !== requireVersion)
        return { tag: "stale", val: await current(bucket, key) };
    }
    return toCasResult(await run(bucket, "compareAndSwap", key, expected, value));
  }

  return {
    "wasmcloud:keyvalue/types": { Bucket },
    "wasmcloud:keyvalue/store": { open },
    "wasmcloud:keyvalue/atomics": {
      increment: async (bucket: Bucket, key: string, delta: bigint) => run(bucket, "increment", key, delta),
    },
    "wasmcloud:keyvalue/cas": { current, swap },
    "wasmcloud:keyvalue/batch": {
      getMany: async (bucket: Bucket, keys: readonly string[]) => {
        const values = await run(bucket, "getMany", keys);
        return keys.map((key, index) => values[index] && [key, values[index]]);
      },
      setMany: async (bucket: Bucket, pairs: readonly Pair[]) => {
        const keys = pairs.map(([key]) => key);
        const values = pairs.map(([, value]) => value);
        await run(bucket, "setMany", keys, values);
      },
      deleteMany: async (bucket: Bucket, keys: readonly string[]) => void (await run(bucket, "deleteMany", keys)),
    },
  };
}

async function toCasResult(result: SwapResult): Promise<CasResult> {
  return result.swapped ? { tag: "swapped" } : { tag: "stale", val: await toEntry(result.current) };
}

async function toEntry(value: Bytes | undefined): Promise<Entry | undefined> {
  return value && { value, version: await versionOf(value) };
}

/** Converts a time to live. A store rejects a number that is too small or too large. */
function toMilliseconds(ttl: bigint | undefined): number | undefined {
  return ttl === undefined ? undefined : Number(ttl);
}
