import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildForwarder } from "@manykv/wasi-guests";
import { afterAll } from "vitest";
import { type Component, loadComponent } from "../../src/component.js";
import { hasJspi, type Keyvalue, type KeyvalueOptions, keyvalue, type Mode } from "../../src/keyvalue.js";
import type { Shape } from "../../src/shapes/shape.js";

type Bytes = Uint8Array;

export interface WitError {
  readonly tag: string;
  readonly val?: unknown;
}

/** The exports of the guest that forwards calls. In mode `jspi` they return promises. */
export interface Guest {
  open(store: string): void;
  get(store: string, key: string): Bytes | undefined;
  set(store: string, key: string, value: Bytes, options?: { ttlMs: bigint | undefined; ifNotExists: boolean }): void;
  delete(store: string, key: string): void;
  exists(store: string, key: string): boolean;
  listKeys(store: string, ...cursor: unknown[]): { keys: string[]; cursor: string | bigint | undefined };
  increment(store: string, key: string, delta: bigint): bigint;
  getMany(store: string, keys: string[]): ([string, Bytes | undefined] | undefined)[];
  setMany(store: string, pairs: [string, Bytes][]): void;
  deleteMany(store: string, keys: string[]): void;
  newCas(store: string, key: string): void;
  currentCas(): Bytes | undefined;
  swapCas(value: Bytes): boolean;
  current(store: string, key: string): { value: Bytes; version: string } | undefined;
  swap(
    store: string,
    key: string,
    value: Bytes,
    options: { requireVersion: string | undefined; requireValue: Bytes | undefined },
  ): { tag: string; val?: { value: Bytes; version: string } | undefined };
}

/** Folder for the transpiled guests of one test file. */
export const cache: string = mkdtempSync(join(tmpdir(), "manykv-wasi-"));
afterAll(() => rm(cache, { recursive: true }));

const components: Map<string, Promise<Component>> = new Map();

export function loadGuest(shape: Shape, mode: Mode = defaultMode): Promise<Component> {
  const name = `${shape} ${mode}`;
  const found = components.get(name) ?? buildForwarder(shape).then((bytes) => loadComponent(bytes, { mode, cache }));
  components.set(name, found);
  return found;
}

export const defaultMode: Mode = hasJspi ? "jspi" : "sync";

/** The shapes that the runtime can run. The asynchronous one needs JSPI. */
export const runnableShapes: readonly Shape[] = hasJspi
  ? ["draft", "draft2-2024", "draft2", "wasmcloud-0.2"]
  : ["draft", "draft2-2024", "draft2"];

/** Creates a host and an instance of the guest. */
export async function startGuest(
  options: KeyvalueOptions,
): Promise<{ readonly guest: Guest; readonly host: Keyvalue } & AsyncDisposable> {
  const host = keyvalue(options);
  const component = await loadGuest(host.shape, host.mode);
  const guest = (await component.instantiate(host)) as unknown as Guest;
  return { guest, host, [Symbol.asyncDispose]: () => host.close() };
}

/** Makes a call and returns the error that the guest received and passed on. */
export async function errorOf(call: () => unknown): Promise<WitError> {
  try {
    await call();
  } catch (error) {
    const payload = (error as { payload?: unknown }).payload ?? error;
    if (payload instanceof Error) throw payload;
    return payload as WitError;
  }
  throw new Error("the call returned no error");
}
