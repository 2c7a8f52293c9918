import type { WriteKind } from "./call/attempt.js";
import { Call } from "./call/call.js";
import { pagesOf } from "./call/pages.js";
import { control, read } from "./call/read.js";
import { update } from "./call/update.js";
import { write } from "./call/write.js";
import type { StoreCore } from "./create-store.js";
import { StoreError } from "./errors.js";
import { checkKey, checkValue, InputError } from "./input/batch.js";
import { checkAbility, checkCallOptions, checkOptions, checkTtl } from "./options.js";
import {
  type Bucket,
  type CallOptions,
  type Change,
  type Entry,
  type IncrementOptions,
  type KeyPage,
  type KeyValue,
  type Limits,
  type ListOptions,
  type PageOptions,
  portableLimits,
  type SetOptions,
  type SwapResult,
} from "./store.js";

const listOptionNames = ["signal", "timeout", "prefix"];
const pageOptionNames = [...listOptionNames, "cursor"];
const incrementOptionNames = ["signal", "timeout", "ttl"];
export const setOptionNames: readonly string[] = [...incrementOptionNames, "ifAbsent"];

/** A bucket that sends each call to the driver immediately. */
export class DriverBucket implements Bucket {
  readonly name: string;
  readonly limits: Limits;
  readonly #core: StoreCore;

  constructor(core: StoreCore, name: string) {
    this.name = name;
    this.limits = core.options.limits;
    this.#core = core;
  }

  /** This is a getter because `util.inspect` would print a field and its contents, such as the driver's connections. */
  protected get core(): StoreCore {
    return this.#core;
  }

  get(key: string, options?: CallOptions): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return this.#run("get", options, async (call) => (await read(call, "get", [key])).values[0]);
  }

  exists(key: string, options?: CallOptions): Promise<boolean> {
    return this.#run("exists", options, async (call) =>
      isPresent((await read(call, this.#existsKind, [key])).values[0]),
    );
  }

  getMany(keys: Iterable<string>, options?: CallOptions): Promise<(KeyValue | undefined)[]> {
    return this.#run("getMany", options, async (call) => {
      const { keys: texts, values } = await read(call, "get", keys);
      return texts.map((key, index) => {
        const value = values[index];
        return value && [key, value];
      });
    });
  }

  async getMap(keys: Iterable<string>, options?: CallOptions): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
    const found = await this.getMany(keys, options);
    return new Map(found.filter((pair) => pair !== undefined));
  }

  existsMany(keys: Iterable<string>, options?: CallOptions): Promise<boolean[]> {
    return this.#run("existsMany", options, async (call) =>
      (await read(call, this.#existsKind, keys)).values.map(isPresent),
    );
  }

  ttlMany(keys: Iterable<string>, options?: CallOptions): Promise<(number | null | undefined)[]> {
    return this.#run("ttlMany", options, async (call) => {
      checkAbility(this.#core.driver, "ttl");
      return (await read(call, "ttl", keys)).values;
    });
  }

  set(key: string, value: Uint8Array, options?: SetOptions): Promise<void> {
    return this.#set("set", [[key, value]], options);
  }

  setMany(entries: Iterable<Entry>, options?: SetOptions): Promise<void> {
    return this.#set("setMany", entries, options);
  }

  delete(key: string, options?: CallOptions): Promise<void> {
    return this.#delete("delete", [key], options);
  }

  deleteMany(keys: Iterable<string>, options?: CallOptions): Promise<void> {
    return this.#delete("deleteMany", keys, options);
  }

  increment(key: string, delta: bigint | number = 1n, options?: IncrementOptions): Promise<bigint> {
    const call = this.call("increment");
    const add = ({ ttl }: IncrementOptions = {}): Promise<bigint> => {
      const { driver } = this.#core;
      checkAbility(driver, "increment");
      if (checkTtl(ttl) !== undefined) checkAbility(driver, "ttl");
      return update(call, "increment", key, { delta: checkDelta(delta), ttl });
    };
    return call.run(options, add, { known: incrementOptionNames, written: { input: [key] } });
  }

  compareAndSwap(key: string, change: Change, options?: CallOptions): Promise<SwapResult> {
    const call = this.call("compareAndSwap");
    const swap = (): Promise<SwapResult> => {
      checkAbility(this.#core.driver, "compareAndSwap");
      const { expected, value } = checkOptions(change, ["expected", "value"], "the change");
      return update(call, "compareAndSwap", key, { expected: this.#copy(expected), value: this.#copy(value) });
    };
    return call.run(options, swap, { written: { input: [key] } });
  }

  listKeys(options?: PageOptions): Promise<KeyPage> {
    const call = this.call("listKeys");
    const list = async ({ prefix, cursor: given }: PageOptions = {}): Promise<KeyPage> => {
      if (given !== undefined && typeof given !== "string") {
        throw new InputError("invalid-argument", "`cursor` must be a string: pass the `cursor` of the previous page");
      }
      const { keys, cursor } = await control(call, "list", { prefix: checkPrefix(prefix), cursor: given });
      return cursor === undefined ? { keys: [...keys] } : { keys: [...keys], cursor };
    };
    return call.run(options, list, { known: pageOptionNames });
  }

  clear(options?: ListOptions): Promise<void> {
    const call = this.call("clear");
    const deletePages = async ({ prefix }: ListOptions = {}): Promise<void> => {
      const valid = checkPrefix(prefix);
      for await (const { keys } of pagesOf((cursor) => control(call, "list", { prefix: valid, cursor }))) {
        call.details = undefined;
        try {
          (await write(call, "delete", keys)).throwIfFailed();
        } catch (error) {
          // The indexes of a `BatchError` would refer to the page, which the caller does not see.
          const { code, message, reason, retryable } = error as StoreError;
          throw new StoreError(code, message, { reason, retryable });
        }
      }
    };
    return call.run(options, deletePages, { known: listOptionNames });
  }

  async *keys(options?: ListOptions): AsyncGenerator<string, void, undefined> {
    this.#core.checkOpen();
    const checked = options === undefined ? undefined : checkCallOptions(options, listOptionNames);
    for await (const { keys } of pagesOf((cursor) => this.listKeys({ ...checked, cursor }))) yield* keys;
  }

  protected call(operation: string): Call {
    return new Call(this.#core, operation, this.name);
  }

  #run<Result>(
    operation: string,
    options: CallOptions | undefined,
    work: (call: Call) => Promise<Result>,
  ): Promise<Result> {
    const call = this.call(operation);
    return call.run(options, () => work(call));
  }

  /** Which request finds out whether a key exists. */
  get #existsKind(): "exists" | "get" {
    return this.#core.driver.exists === undefined ? "get" : "exists";
  }

  #set(operation: string, input: Iterable<Entry>, options?: SetOptions): Promise<void> {
    const call = this.call(operation);
    const send = async (checked?: SetOptions): Promise<void> =>
      (await write(call, this.kindOfSet(checked), input, checked?.ttl)).throwIfFailed();
    return call.run(options, send, { known: setOptionNames, written: { input } });
  }

  /** Checks the options of a set. Returns which request sets the value. */
  protected kindOfSet({ ttl, ifAbsent = false }: SetOptions = {}): WriteKind {
    const { driver } = this.#core;
    if (typeof ifAbsent !== "boolean") throw new StoreError("invalid-argument", "`ifAbsent` must be true or false");
    if (checkTtl(ttl) !== undefined) checkAbility(driver, "ttl");
    if (ifAbsent) checkAbility(driver, "setIfAbsent");
    return ifAbsent ? "setIfAbsent" : "set";
  }

  #delete(operation: string, input: Iterable<string>, options?: CallOptions): Promise<void> {
    const call = this.call(operation);
    const send = async (): Promise<void> => (await write(call, "delete", input)).throwIfFailed();
    return call.run(options, send, { written: { input } });
  }

  #copy(value: Uint8Array | undefined): Uint8Array | undefined {
    if (value === undefined) return undefined;
    const rejection = checkValue(value, this.limits);
    if (rejection !== undefined) throw new InputError(rejection.code, rejection.text, 1);
    return new Uint8Array(value);
  }
}

/** Returns what the answer to a request of `#existsKind` says about a key. */
function isPresent(value: Uint8Array | boolean | undefined): boolean {
  return value !== undefined && value !== false;
}

/** Returns `delta` as a signed 64-bit integer. Otherwise throws `invalid-argument`. */
function checkDelta(delta: bigint | number): bigint {
  const integer = Number.isSafeInteger(delta) ? BigInt(delta) : delta;
  if (typeof integer === "bigint" && integer === BigInt.asIntN(64, integer)) return integer;
  throw new StoreError("invalid-argument", "`delta` must be a safe integer or a 64-bit bigint");
}

function checkPrefix(prefix: string | undefined): string | undefined {
  if (prefix === undefined || checkKey(prefix, portableLimits) === undefined) return prefix;
  throw new StoreError("invalid-argument", "`prefix` must be a well-formed string of at most 1,024 bytes of UTF-8");
}
