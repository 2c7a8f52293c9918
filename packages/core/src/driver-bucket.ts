import { Call } from "./call/call.js";
import { control, read } from "./call/read.js";
import { type WriteKind, write } from "./call/write.js";
import type { StoreCore } from "./create-store.js";
import { StoreError } from "./errors.js";
import { InputError } from "./input/batch.js";
import { checkCallOptions } from "./options.js";
import type { Bucket, CallOptions, Entry, KeyPage, KeyValue, Limits, ListOptions } from "./store.js";

const listOptionNames = ["signal", "timeout", "cursor"];

const endless =
  "keys: the backend returned the same cursor twice, so the listing would never end: check the server and the proxies";

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
    const kind = this.#core.driver.exists === undefined ? "get" : "exists";
    return this.#run("exists", options, async (call) => {
      const { values } = await read(call, kind, [key]);
      return values[0] !== undefined && values[0] !== false;
    });
  }

  getMany(keys: Iterable<string>, options?: CallOptions): Promise<(KeyValue | undefined)[]> {
    return this.#run("getMany", options, async (call) => {
      const found = await read(call, "get", keys);
      return found.keys.map((key, index) => {
        const value = found.values[index];
        return value && [key, value];
      });
    });
  }

  set(key: string, value: Uint8Array, options?: CallOptions): Promise<void> {
    return this.#write("set", "set", [[key, value]], options);
  }

  setMany(entries: Iterable<Entry>, options?: CallOptions): Promise<void> {
    return this.#write("setMany", "set", entries, options);
  }

  delete(key: string, options?: CallOptions): Promise<void> {
    return this.#write("delete", "delete", [key], options);
  }

  deleteMany(keys: Iterable<string>, options?: CallOptions): Promise<void> {
    return this.#write("deleteMany", "delete", keys, options);
  }

  listKeys(options?: ListOptions): Promise<KeyPage> {
    const call = this.call("listKeys");
    const list = async ({ cursor: given }: ListOptions = {}): Promise<KeyPage> => {
      if (given !== undefined && typeof given !== "string") {
        throw new InputError("invalid-argument", "`cursor` must be a string: pass the `cursor` of the previous page");
      }
      call.cursor = given;
      const { keys, cursor } = await control(call, "list");
      return cursor === undefined ? { keys: [...keys] } : { keys: [...keys], cursor };
    };
    return call.run(options, list, { known: listOptionNames });
  }

  async *keys(options?: CallOptions): AsyncGenerator<string, void, undefined> {
    this.#core.checkOpen();
    const checked = options === undefined ? undefined : checkCallOptions(options);
    let cursor: string | undefined;
    // Brent's algorithm: finds any cycle of cursors, but keeps only one of them.
    let earlier: string | undefined;
    for (let page = 1, keepAt = 1; ; page++) {
      const { keys, cursor: next } = await this.listKeys({ ...checked, cursor });
      yield* keys;
      if (next === undefined) return;
      if (next === earlier) throw new StoreError("internal", endless);
      if (page === keepAt) {
        earlier = next;
        keepAt *= 2;
      }
      cursor = next;
    }
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

  #write(operation: string, kind: WriteKind, input: unknown, options?: CallOptions): Promise<void> {
    const call = this.call(operation);
    const send = async (): Promise<void> => (await write(call, kind, input)).throwIfFailed();
    return call.run(options, send, { written: { input } });
  }
}
