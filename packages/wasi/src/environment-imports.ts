import { StoreError } from "@manykv/core";
import { backendOf, defaults, KeyvalueHost, type Mode } from "./keyvalue.js";
import { shapeFunctions } from "./shapes/functions.js";
import type { Shape } from "./shapes/shape.js";
import { toSettings } from "./stores/store-table.js";

/** An interface of a module that a transpiled component imports: classes and functions. */
export type ImportedInterface = Readonly<Record<string, unknown>>;

/** The variable with the stores, such as `default=redis://localhost:6379 sessions=postgres://localhost/shop`. */
const storesVariable = "MANYKV_WASI_STORES";

/**
 * Returns a function that returns the interfaces of a host for a transpiled component that imports a module. The stores
 * come from the environment: `MANYKV_WASI_STORES`, or `MANYKV_STORE` for the store `default`. Opens no store and starts no
 * thread before a component uses it. Without JSPI, a component that needs it cannot be instantiated.
 *
 * @throws {StoreError} `invalid-argument` if the variable is invalid.
 */
export function environmentImports(shape: Shape, mode: Mode): (name: string) => ImportedInterface {
  const settings = toSettings(storesOfEnvironment());
  const host = new KeyvalueHost(
    { shape, mode, identifiers: new Set(settings.keys()), unlisted: defaults.unlisted },
    backendOf(mode, settings, { ...defaults, onError: undefined }),
  );
  const imports = host.getImportObject();
  return (name) => imports[`${shapeFunctions[shape].package}/${name}`] ?? {};
}

function storesOfEnvironment(): Record<string, string> {
  const { [storesVariable]: stores = "", MANYKV_STORE: single = "" } = process.env;
  if (stores.trim() === "") return single === "" ? {} : { default: single };
  return Object.fromEntries(
    stores
      .trim()
      .split(/\s+/)
      .map((pair) => {
        const [, name, url] = /^([^=:/]*)=(.+)$/.exec(pair) ?? [];
        if (name !== undefined && url !== undefined) return [name, url];
        throw new StoreError(
          "invalid-argument",
          `${storesVariable} must be pairs of a name and a URL, separated by spaces, such as default=redis://localhost:6379`,
        );
      }),
  );
}
