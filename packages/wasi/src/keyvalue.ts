import { StoreError } from "@manykv/core";
import { StoreThread } from "./bridge/store-thread.js";
import { shapeFunctions, shapes, waitingFunctions } from "./shapes/functions.js";
import type { Caller, ImportObject, Shape } from "./shapes/shape.js";
import { wasiKeyvalue } from "./shapes/wasi-keyvalue.js";
import { wasmcloudKeyvalue } from "./shapes/wasmcloud-keyvalue.js";
import { CallRunner, type CallRunnerOptions, type FailedCall } from "./stores/call-runner.js";
import type { Call, Failure } from "./stores/calls.js";
import { MemoryRunner } from "./stores/memory-runner.js";
import { isMemory, type StoreMap, type StoreSettings, StoreTable, toSettings } from "./stores/store-table.js";

/**
 * How a component waits for a store. In mode `jspi`, the engine suspends the component (JavaScript Promise Integration).
 * In mode `sync`, the thread of the component blocks while a worker makes the call. The URL `memory:` needs no worker: the
 * call runs in the thread of the component.
 */
export type Mode = "jspi" | "sync";

/** Options of {@link keyvalue}. */
export interface KeyvalueOptions {
  /** The stores that components may open, by the identifier that they pass to `open`. */
  readonly stores: StoreMap;
  /** What `open` returns for an identifier that `stores` does not have. Default: `no-such-store`. */
  readonly unlisted?: "no-such-store" | "access-denied" | undefined;
  /** The shape of the interface that the component imports. Default: `draft2`. */
  readonly shape?: Shape | undefined;
  /** How the component was transpiled. Default: `jspi` if the runtime has `WebAssembly.Suspending`, otherwise `sync`. */
  readonly mode?: Mode | undefined;
  /** Maximum size of the values that one call returns, in bytes. A larger result is an error. Default: 128 MiB. */
  readonly maxResultBytes?: number | undefined;
  /** Time limit of each call including retries, in milliseconds. Default: 10,000. */
  readonly timeout?: number | undefined;
  /** Called with each error that a component received, except lost races. Components see less than this error. */
  readonly onError?: ((failed: FailedCall) => void) | undefined;
}

/** A host of the interface for components. */
export interface Keyvalue extends AsyncDisposable {
  readonly shape: Shape;
  readonly mode: Mode;
  /** The functions for `--async-imports` of jco in mode `jspi`. Empty in mode `sync`. */
  readonly asyncImports: readonly string[];
  /** Returns the imports for the `instantiate` function of a transpiled component. Instances may share them. */
  getImportObject(): ImportObject;
  /** Opens all stores, and rejects if one of them cannot be opened. Without this call, stores open when they are used. */
  open(): Promise<void>;
  /** Closes the stores that the host opened. Later calls of components fail. */
  close(): Promise<void>;
}

/** Whether the engine can suspend a component that waits for a promise. */
export const hasJspi: boolean = "Suspending" in ((globalThis as { WebAssembly?: object }).WebAssembly ?? {});

/**
 * Creates a host that implements `store`, `atomics`, `batch` and `cas` of the interface with stores of manykv.
 *
 * @throws {StoreError} `invalid-argument` if an option is unknown or invalid, or if the mode does not suit the runtime,
 * the shape or the stores.
 */
export function keyvalue(options: KeyvalueOptions): Keyvalue {
  const { host, settings, limits } = resolveOptions(options);
  return new KeyvalueHost(host, backendOf(host.mode, settings, limits));
}

const optionNames = ["stores", "unlisted", "shape", "mode", "maxResultBytes", "timeout", "onError"];

/** Makes the calls of components on the stores, in this thread or in another one. */
export interface Backend {
  readonly call: Call;
  open(): Promise<void>;
  close(): Promise<void>;
}

/** What a host needs besides its backend. */
export interface HostSettings {
  readonly shape: Shape;
  readonly mode: Mode;
  /** The identifiers that components may open. */
  readonly identifiers: ReadonlySet<string>;
  readonly unlisted: "no-such-store" | "access-denied";
}

export class KeyvalueHost implements Keyvalue {
  readonly shape: Shape;
  readonly mode: Mode;
  readonly #backend: Backend;
  readonly #imports: ImportObject;

  constructor({ shape, mode, identifiers, unlisted }: HostSettings, backend: Backend) {
    this.shape = shape;
    this.mode = mode;
    this.#backend = backend;
    const refused: Failure = { code: unlisted, message: unlisted };
    const caller: Caller = {
      call: backend.call,
      check: (identifier) => (identifiers.has(identifier) ? undefined : refused),
    };
    this.#imports = shape === "wasmcloud-0.2" ? wasmcloudKeyvalue(caller) : wasiKeyvalue(shape, caller);
  }

  get asyncImports(): readonly string[] {
    return this.mode === "jspi" ? waitingFunctions(this.shape) : [];
  }

  getImportObject(): ImportObject {
    return { ...this.#imports };
  }

  open(): Promise<void> {
    return this.#backend.open();
  }

  close(): Promise<void> {
    return this.#backend.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

export const defaults: Required<
  Pick<HostSettings, "unlisted"> & Pick<CallRunnerOptions, "timeout" | "maxResultBytes">
> = {
  unlisted: "no-such-store",
  timeout: 10_000,
  maxResultBytes: 128 * 1024 * 1024,
};

/** Checks the options and adds the defaults. */
export function resolveOptions(options: KeyvalueOptions): ResolvedOptions {
  checkNames(options);
  const { unlisted = defaults.unlisted, shape = "draft2", mode = hasJspi ? "jspi" : "sync", onError } = options;
  checkChoice("unlisted", unlisted, ["no-such-store", "access-denied"]);
  checkChoice("shape", shape, shapes);
  checkChoice("mode", mode, ["jspi", "sync"]);
  checkMode(mode, shape);
  const settings = toSettings(options.stores);
  return {
    host: { shape, mode, identifiers: new Set(settings.keys()), unlisted },
    settings,
    limits: {
      timeout: checkNumber("timeout", options.timeout ?? defaults.timeout),
      maxResultBytes: checkNumber("maxResultBytes", options.maxResultBytes ?? defaults.maxResultBytes),
      onError,
    },
  };
}

export interface ResolvedOptions {
  readonly host: HostSettings;
  readonly settings: StoreSettings;
  readonly limits: CallRunnerOptions;
}

export function backendOf(mode: Mode, settings: StoreSettings, limits: CallRunnerOptions): Backend {
  return mode === "sync" ? syncBackend(settings, limits) : ownBackend(settings, limits);
}

/** The stores of this thread. */
export function ownBackend(
  settings: StoreSettings,
  limits: CallRunnerOptions,
): Backend & { readonly runner: CallRunner } {
  const table = new StoreTable(settings, limits.timeout);
  const runner = new CallRunner(table, limits);
  return {
    runner,
    call: (identifier, name, ...args) => runner.run(identifier, name, args),
    open: () => table.open(),
    close: () => table.close(),
  };
}

/** The stores of a worker, for which this thread waits, and `memory:` in this thread. */
function syncBackend(settings: StoreSettings, limits: CallRunnerOptions): Backend {
  const own = [...settings].find(([, { store }]) => store !== undefined);
  if (own !== undefined) throw invalid(`the store ${JSON.stringify(own[0])} ${needsWorker}`);
  const inMemory = new Map([...settings].filter(([, setting]) => isMemory(setting)));
  const memory = new MemoryRunner(inMemory, limits);
  const thread = new StoreThread(new Map([...settings].filter(([identifier]) => !inMemory.has(identifier))), limits);
  return {
    call: (identifier, name, ...args) =>
      inMemory.has(identifier) ? memory.run(identifier, name, args) : (thread.call(identifier, name, args) as never),
    open: () => thread.open(),
    close: () => {
      memory.close();
      return thread.close();
    },
  };
}

const needsWorker =
  "is an object of this thread, and a component without JSPI blocks this thread: pass the URL of the store, or a module that creates it";

function checkMode(mode: Mode, shape: Shape): void {
  if (mode === "jspi" && !hasJspi)
    throw invalid(`mode "jspi" needs Node.js 24.20, 26 or later: this runtime has no WebAssembly.Suspending`);
  if (mode === "sync" && shape === "wasmcloud-0.2")
    throw invalid(
      `${shapeFunctions[shape].package} is asynchronous, so it needs mode "jspi" and Node.js 24.20, 26 or later`,
    );
}

function checkNames(options: KeyvalueOptions): void {
  const unknown = Object.keys(Object(options)).find((name) => !optionNames.includes(name));
  if (unknown !== undefined)
    throw invalid(`unknown option ${JSON.stringify(unknown)}: the options are ${optionNames.join(", ")}`);
}

function checkChoice(name: string, value: string, choices: readonly string[]): void {
  if (!choices.includes(value))
    throw invalid(`\`${name}\` must be one of ${choices.map((each) => `"${each}"`).join(", ")}`);
}

function checkNumber(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw invalid(`\`${name}\` must be a positive integer`);
}

function invalid(message: string): StoreError {
  return new StoreError("invalid-argument", `keyvalue: ${message}`);
}
