import { Call } from "./call/call.js";
import { control, type ReadKind, read } from "./call/read.js";
import { type WriteKind, write } from "./call/write.js";
import type { StoreCore } from "./create-store.js";
import { InputError, mostAtOnce, readEntries, readKeys } from "./input/batch.js";
import { findDuplicates, findDuplicatesInSteps } from "./input/chunk.js";
import { checkCallOptions } from "./options.js";
import type { Bucket, CallOptions, Entry, KeyPage, KeyValue, Limits, ListOptions } from "./store.js";

const listOptionNames = ["signal", "timeout", "cursor"];

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
    const call = new Call(this.#core, "get", this.name);
    return call.traced(async () => (await this.#read(call, "get", [key], options)).values[0]);
  }

  exists(key: string, options?: CallOptions): Promise<boolean> {
    const call = new Call(this.#core, "exists", this.name);
    const kind = this.#core.driver.exists === undefined ? "get" : "exists";
    return call.traced(async () => {
      const [found] = (await this.#read(call, kind, [key], options)).values;
      return kind === "get" ? found !== undefined : found === true;
    });
  }

  getMany(keys: Iterable<string>, options?: CallOptions): Promise<(KeyValue | undefined)[]> {
    const call = new Call(this.#core, "getMany", this.name);
    return call.traced(async () => {
      const found = await this.#read(call, "get", keys, options);
      return found.keys.map((key, index) => {
        const value = found.values[index];
        return value && [key, value];
      });
    });
  }

  set(key: string, value: Uint8Array, options?: CallOptions): Promise<void> {
    const call = new Call(this.#core, "set", this.name);
    return call.traced(() => this.#write(call, "set", [[key, value]], options));
  }

  setMany(entries: Iterable<Entry>, options?: CallOptions): Promise<void> {
    const call = new Call(this.#core, "setMany", this.name);
    return call.traced(() => this.#write(call, "set", entries, options));
  }

  delete(key: string, options?: CallOptions): Promise<void> {
    const call = new Call(this.#core, "delete", this.name);
    return call.traced(() => this.#write(call, "delete", [key], options));
  }

  deleteMany(keys: Iterable<string>, options?: CallOptions): Promise<void> {
    const call = new Call(this.#core, "deleteMany", this.name);
    return call.traced(() => this.#write(call, "delete", keys, options));
  }

  listKeys(options?: ListOptions): Promise<KeyPage> {
    const call = new Call(this.#core, "listKeys", this.name);
    return call.traced(() => this.#list(call, options));
  }

  async *keys(options?: CallOptions): AsyncGenerator<string, void, undefined> {
    this.#core.checkOpen();
    const checked = options === undefined ? undefined : checkCallOptions(options);
    let cursor: string | undefined;
    do {
      const page = await this.listKeys({ ...checked, cursor });
      yield* page.keys;
      cursor = page.cursor;
    } while (cursor !== undefined);
  }

  /** Reads the keys of the input and sends them in chunks. Returns the keys and one value per key. */
  async #read<Kind extends ReadKind>(call: Call, kind: Kind, input: Iterable<string>, options?: CallOptions) {
    try {
      call.start(options);
      const batch = readKeys(call, input, "get");
      const { keys } = batch;
      const canonical =
        keys.length <= mostAtOnce ? findDuplicates(keys, "first") : await findDuplicatesInSteps(keys, "first", call);
      return { keys, values: await read(call, kind, batch, canonical) };
    } catch (error) {
      throw call.readError(error);
    } finally {
      call.end();
    }
  }

  /** Reads the input, sends it in chunks and throws unless the backend acknowledged every entry. */
  async #write(call: Call, kind: WriteKind, input: Iterable<Entry | string>, options?: CallOptions): Promise<void> {
    try {
      call.start(options);
      const batch = kind === "set" ? readEntries(call, input) : readKeys(call, input, kind);
      const { keys } = batch;
      // A short batch must not wait here: its values may have to be encoded before the method returns its promise.
      const canonical =
        keys.length <= mostAtOnce ? findDuplicates(keys, "last") : await findDuplicatesInSteps(keys, "last", call);
      const outcomes = await write(call, kind, batch, canonical);
      outcomes.throwIfFailed();
    } catch (error) {
      throw call.writeError(error, input);
    } finally {
      call.end();
    }
  }

  async #list(call: Call, options: ListOptions | undefined): Promise<KeyPage> {
    try {
      const cursor: unknown = call.start(options, listOptionNames)?.cursor;
      if (cursor !== undefined && typeof cursor !== "string") {
        throw new InputError("invalid-argument", "`cursor` must be a string: pass the `cursor` of the previous page");
      }
      const page = await control(call, "list", cursor);
      const keys = [...page.keys];
      return page.cursor === undefined ? { keys } : { keys, cursor: page.cursor };
    } catch (error) {
      throw call.readError(error);
    } finally {
      call.end();
    }
  }
}
