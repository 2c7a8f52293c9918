import type { ListRequest, ReadAnswer } from "./driver.js";
import { ask } from "./execution/ask.js";
import type { Call } from "./execution/call.js";
import type { Engine } from "./execution/engine.js";
import { read } from "./execution/read.js";
import { write } from "./execution/write.js";
import type { Batch } from "./input/batch.js";
import { type Copying, collectEntries, collectKeys, type InputRules } from "./input/collect.js";
import { InputError } from "./input/input-error.js";
import { copyOf } from "./input/value-list.js";
import type { Limits } from "./limits.js";
import type { Session } from "./session.js";
import type { Bucket, CallOptions, KeyPage, KeyValue } from "./store.js";
import { announceAccess } from "./store-access.js";

/** A bucket over a driver. */
export class EngineBucket implements Bucket {
  readonly name: string;
  readonly limits: Limits;
  readonly #session: Session;

  constructor(session: Session, name: string) {
    this.name = name;
    this.limits = session.settings.limits;
    this.#session = session;
    announceAccess(this, session);
  }

  get(key: string, options?: CallOptions): Promise<Uint8Array | undefined> {
    return this.#session.read("get", this.name, options, async (call) => {
      const [value] = await this.#read(call, collectKeys([key], this.#rules("get"), "first"));
      return value;
    });
  }

  getMany(keys: Iterable<string>, options?: CallOptions): Promise<(KeyValue | undefined)[]> {
    return this.#session.read("getMany", this.name, options, async (call) => {
      const batch = collectKeys(keys, this.#rules("get"), "first");
      return pairs(batch, await this.#read(call, batch));
    });
  }

  exists(key: string, options?: CallOptions): Promise<boolean> {
    return this.#session.read("exists", this.name, options, async (call) => {
      const batch = collectKeys([key], this.#rules("get"), "first");
      const { engine } = this.#session;
      if (engine.driver.exists === undefined) return (await this.#read(call, batch))[0] !== undefined;
      const send = engine.driver.exists.bind(engine.driver) as NonNullable<typeof engine.driver.exists>;
      const [exists] = await read(engine, call, "exists", batch, send);
      return exists === true;
    });
  }

  set(key: string, value: Uint8Array, options?: CallOptions): Promise<void> {
    return this.#set("set", [[key, value]], options);
  }

  setMany(entries: Iterable<KeyValue>, options?: CallOptions): Promise<void> {
    return this.#set("setMany", entries, options);
  }

  delete(key: string, options?: CallOptions): Promise<void> {
    return this.#delete("delete", [key], options);
  }

  deleteMany(keys: Iterable<string>, options?: CallOptions): Promise<void> {
    return this.#delete("deleteMany", keys, options);
  }

  listKeys(cursor?: string, options?: CallOptions): Promise<KeyPage> {
    return this.#session.read("listKeys", this.name, options, async (call) => {
      if (cursor !== undefined && typeof cursor !== "string") {
        throw new InputError("invalid-argument", "the cursor is not one that listKeys gave");
      }
      const { engine } = this.#session;
      const page = await ask(engine, call, "list", ({ signal, deadline }) => {
        const request: ListRequest = { bucket: this.name, signal, deadline };
        return engine.driver.list(cursor === undefined ? request : { ...request, cursor });
      });
      const keys = [...page.keys];
      return page.cursor === undefined ? { keys } : { keys, cursor: page.cursor };
    });
  }

  async *keys(options?: CallOptions): AsyncGenerator<string, void, undefined> {
    let cursor: string | undefined;
    do {
      const page = await this.listKeys(cursor, options);
      yield* page.keys;
      cursor = page.cursor;
    } while (cursor !== undefined);
  }

  #set(operation: string, entries: Iterable<KeyValue>, options: CallOptions | undefined): Promise<void> {
    const { engine } = this.#session;
    return this.#session.write(operation, this.name, options, entries, (call) => {
      const batch = collectEntries(entries, this.#rules("set"), copyingFor(engine));
      return write(engine, call, "set", batch);
    });
  }

  #delete(operation: string, keys: Iterable<string>, options: CallOptions | undefined): Promise<void> {
    return this.#session.write(operation, this.name, options, keys, (call) =>
      write(this.#session.engine, call, "delete", collectKeys(keys, this.#rules("delete"), "last")),
    );
  }

  #read(call: Call, batch: Batch): Promise<(Uint8Array | undefined)[]> {
    const { engine } = this.#session;
    return read(
      engine,
      call,
      "get",
      batch,
      (request): Promise<ReadAnswer<Uint8Array | undefined>> => engine.driver.get(request),
    );
  }

  #rules(kind: "get" | "set" | "delete"): InputRules {
    return { limits: this.limits, request: this.#session.settings[kind] };
  }
}

function copyingFor({ concurrency, driver: { keepsValues, prepareSet } }: Engine): Copying {
  if (keepsValues === true) return "separately";
  return prepareSet === undefined ? "together" : { borrowed: concurrency };
}

/** One place for each key of the input. The places of a duplicate have their own bytes, for the caller to change. */
function pairs(batch: Batch, values: readonly (Uint8Array | undefined)[]): (KeyValue | undefined)[] {
  const { keys, representatives } = batch;
  const result = new Array<KeyValue | undefined>(keys.length);
  for (let place = 0; place < keys.length; place++) {
    const representative = representatives?.[place] ?? place;
    const value = values[representative];
    if (value === undefined) result[place] = undefined;
    else result[place] = [keys[place] as string, representative === place ? value : copyOf(value)];
  }
  return result;
}
