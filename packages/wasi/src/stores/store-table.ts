import { type Bucket, type Store, StoreError } from "@manykv/core";
import { memoryStore } from "@manykv/memory";
import { HostError } from "./failure.js";

/** A store that components may open, and the bucket that they get. Exactly one of `url`, `store` and `module` is set. */
export interface StoreEntry {
  /** URL of the store, as `openStore` of the package `manykv` accepts it. */
  readonly url?: string | undefined;
  /** A store of the application. Components that were transpiled without JSPI cannot use it. `close` leaves it open. */
  readonly store?: Store | undefined;
  /**
   * A `file:` URL or the name of a module. Its default export is a function that returns a store or a promise of one. In
   * mode `sync`, the worker loads it.
   */
  readonly module?: string | undefined;
  /** What the function of `module` receives. In mode `sync`, the value is cloned. */
  readonly argument?: unknown;
  /** Name of the bucket. Default: the identifier, or `_` for the empty identifier. */
  readonly bucket?: string | undefined;
}

/**
 * The stores of a host, by the identifier that components pass to `open`. A string is the URL of a store, or of a module
 * if it starts with `file:`.
 */
export type StoreMap = Readonly<Record<string, string | Store | StoreEntry>>;

/** Settings of a store that can be sent to another thread, unless it has a `store`. */
export interface StoreSetting extends StoreEntry {
  readonly bucket: string;
}

export type StoreSettings = ReadonlyMap<string, StoreSetting>;

/** Checks the `stores` of the options. */
export function toSettings(stores: StoreMap): StoreSettings {
  return new Map(Object.entries(stores ?? {}).map(([name, value]) => [name, toSetting(name, value)]));
}

function toSetting(identifier: string, value: string | Store | StoreEntry): StoreSetting {
  const { url, store, module, argument, bucket = identifier === "" ? "_" : identifier, ...others } = toEntry(value);
  const subject = `keyvalue: the store ${JSON.stringify(identifier)}`;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw invalid(`${subject} has the unknown option ${JSON.stringify(unknown)}`);
  if ([url, store, module].filter((source) => source !== undefined).length !== 1)
    throw invalid(`${subject} needs a URL, a store or a module: set exactly one of \`url\`, \`store\` and \`module\``);
  if (!/^[A-Za-z0-9_.-]{1,64}$/.test(bucket)) {
    throw invalid(
      `${subject} has no valid bucket: set \`bucket\` to 1 to 64 letters, digits, underscores, dots and hyphens`,
    );
  }
  // Identifiers share a store if their URLs are equal, and the scheme of a URL is case-insensitive.
  return { url: url?.replace(/^memory:$/i, "memory:"), store, module, argument, bucket };
}

function toEntry(value: string | Store | StoreEntry): StoreEntry {
  if (typeof value === "string") return value.startsWith("file:") ? { module: value } : { url: value };
  return isStore(value) ? { store: value } : Object(value);
}

function isStore(value: Store | StoreEntry): value is Store {
  return typeof (value as Partial<Store> | undefined)?.open === "function";
}

function invalid(message: string): StoreError {
  return new StoreError("invalid-argument", message);
}

/** The open stores of a host. Opens each of them when it is first used. */
export class StoreTable {
  readonly #settings: StoreSettings;
  readonly #timeout: number;
  readonly #buckets: Map<string, Promise<Bucket>> = new Map();
  /** Stores that identifiers with the same URL or module share. */
  readonly #stores: Map<string, Promise<Store>> = new Map();
  #closed = false;

  constructor(settings: StoreSettings, timeout: number) {
    this.#settings = settings;
    this.#timeout = timeout;
  }

  /** Returns the bucket of an identifier. If the store cannot be opened, the next call tries again. */
  bucket(identifier: string): Promise<Bucket> {
    if (this.#closed) return Promise.reject(new HostError("closed", "the host closed the store"));
    const found = this.#buckets.get(identifier);
    if (found !== undefined) return found;
    const opened = this.#openBucket(identifier);
    this.#buckets.set(identifier, opened);
    opened.catch(() => this.#buckets.delete(identifier));
    return opened;
  }

  /** Opens all stores, and rejects if one of them cannot be opened. */
  async open(): Promise<void> {
    await Promise.all([...this.#settings.keys()].map((identifier) => this.bucket(identifier)));
  }

  /** Closes the stores that this table opened. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#stores.values()].map(async (store) => (await store).close()));
  }

  async #openBucket(identifier: string): Promise<Bucket> {
    const setting = this.#settings.get(identifier);
    if (setting === undefined) throw new HostError("no-such-store", "the store does not exist");
    const store = setting.store ?? (await this.#openStore(setting));
    return store.open(setting.bucket);
  }

  #openStore(setting: StoreSetting): Promise<Store> {
    const { url, module, argument } = setting;
    const source = JSON.stringify([url, module, argument]);
    const found = this.#stores.get(source);
    if (found !== undefined) return found;
    const opened = this.#create(setting);
    this.#stores.set(source, opened);
    opened.catch(() => this.#stores.delete(source));
    return opened;
  }

  async #create(setting: StoreSetting): Promise<Store> {
    const { url = "", module, argument } = setting;
    if (module !== undefined) return openModule(module, argument);
    return isMemory(setting) ? memoryStore({ timeout: this.#timeout }) : openUrl(url, this.#timeout);
  }
}

/** Whether a store is in memory. Such a store does not need the package `manykv`. */
export function isMemory({ url }: StoreSetting): boolean {
  return url === "memory:";
}

async function openUrl(url: string, timeout: number): Promise<Store> {
  let manykv: { openStore(url: string, options: { timeout: number }): Promise<Store> };
  try {
    // The package is an optional peer, and it depends on this one. A literal would make TypeScript look for it.
    const name: string = "manykv";
    manykv = await import(name);
  } catch (error) {
    if ((error as { code?: unknown }).code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw invalid("keyvalue: a URL needs the package manykv, which is not installed: npm install manykv");
  }
  return manykv.openStore(url, { timeout });
}

async function openModule(module: string, argument: unknown): Promise<Store> {
  const { default: create } = await import(module);
  if (typeof create !== "function")
    throw invalid(`keyvalue: the default export of ${JSON.stringify(module)} is not a function that returns a store`);
  return create(argument);
}
