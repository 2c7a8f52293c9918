import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { StoreError } from "@manykv/core";
import { hasJspi, type Keyvalue, type Mode } from "../keyvalue.js";
import type { ImportObject } from "../shapes/shape.js";
import type { ComponentDescription } from "./describe-component.js";
import { moduleFile, transpile } from "./transpile.js";

/** Options of {@link loadComponent}. */
export interface LoadOptions {
  /** How the component waits for a store. Default: `jspi` if the runtime has `WebAssembly.Suspending`, otherwise `sync`. */
  readonly mode?: Mode | undefined;
  /** Folder for transpiled components. Default: `manykv/components` in the user's cache folder. */
  readonly cache?: string | undefined;
}

/** A component that is ready to be instantiated. */
export interface Component extends ComponentDescription {
  readonly mode: Mode;
  /**
   * Creates an instance with separate memory, and returns its exports.
   *
   * @param keyvalue - the host of the interface; `undefined` for a component that does not import it
   * @param imports - all other imports, by the name of their interface without its version
   * @throws {StoreError} `invalid-argument` if the host has another shape or mode than the component, or if an import is
   * missing. Then no code of the component ran.
   */
  instantiate(keyvalue: Keyvalue | undefined, imports?: ImportObject): Promise<Exports>;
}

/** The exports of an instance: functions, and interfaces as objects of functions. */
export type Exports = Record<string, unknown>;

interface ComponentModule {
  instantiate(getCoreModule: (path: string) => Promise<object>, imports: ImportObject): Promise<Exports>;
}

/**
 * Transpiles a component with jco, or finds the result of an earlier run in the cache, and loads it.
 *
 * @throws {StoreError} `unsupported` if jco-transpile is not installed, or if this host does not have the version of the
 * interface or the ability that the component needs; `invalid-argument` if the bytes are not a component.
 */
export async function loadComponent(bytes: Uint8Array, options: LoadOptions = {}): Promise<Component> {
  const { mode = hasJspi ? "jspi" : "sync", cache = defaultCache() } = options;
  const { folder, description } = await transpile(bytes, mode, cache);
  checkAsync(description, mode);
  const url = pathToFileURL(join(folder, moduleFile)).href;
  const module: ComponentModule = await import(url);
  const compiled = new Map<string, Promise<object>>();
  const getCoreModule = (path: string): Promise<object> => {
    const found = compiled.get(path) ?? compile(join(folder, path));
    compiled.set(path, found);
    return found;
  };
  return {
    ...description,
    mode,
    instantiate: async (keyvalue, imports = {}) => {
      checkHost(description, mode, keyvalue);
      const all = { ...imports, ...keyvalue?.getImportObject() };
      checkImports(description, all);
      return module.instantiate(getCoreModule, all);
    },
  };
}

function defaultCache(): string {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  return join(XDG_CACHE_HOME || LOCALAPPDATA || join(homedir(), ".cache"), "manykv", "components");
}

async function compile(path: string): Promise<object> {
  // The types of Node.js 20 lack WebAssembly.
  const { WebAssembly } = globalThis as unknown as { WebAssembly: { compile(bytes: Uint8Array): Promise<object> } };
  return WebAssembly.compile(await readFile(path));
}

/** Asynchronous functions of the component model need an engine that can suspend the component. */
function checkAsync({ shape, imports, exports }: ComponentDescription, mode: Mode): void {
  const name =
    shape === "wasmcloud-0.2" ? "wasmcloud:keyvalue" : [...imports, ...exports].find((each) => /@0\.3\./.test(each));
  if (name === undefined || mode === "jspi") return;
  throw new StoreError(
    "unsupported",
    `the component needs ${name}, whose functions are asynchronous: run it with Node.js 24.20, 26 or later`,
  );
}

function checkHost({ shape }: ComponentDescription, mode: Mode, keyvalue: Keyvalue | undefined): void {
  if (shape === undefined || keyvalue === undefined) return;
  if (keyvalue.shape !== shape)
    throw invalid(`the component imports the shape ${shape} of the interface, and the host has ${keyvalue.shape}`);
  if (keyvalue.mode !== mode)
    throw invalid(`the component was loaded for mode "${mode}", and the host has mode "${keyvalue.mode}"`);
}

function checkImports({ imports }: ComponentDescription, provided: ImportObject): void {
  const missing = imports.filter(
    (name) => provided[name] === undefined && provided[withoutVersion(name)] === undefined,
  );
  if (missing.length > 0)
    throw invalid(`the component imports what this host does not have: ${missing.map(String).join(", ")}`);
}

function withoutVersion(name: string): string {
  return name.replace(/@.*/, "");
}

function invalid(message: string): StoreError {
  return new StoreError("invalid-argument", message);
}
