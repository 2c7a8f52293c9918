import { access } from "node:fs/promises";
import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { inspect } from "node:util";
import { type Store, StoreError } from "@manykv/core";
import { type BackendModule, isOwnUrl, openStore, packageOfUrl, schemeOf } from "../open-store.js";
import { CommandError, exitCode, fileError, withoutCredentials } from "./errors.js";
import type { ClientFlags } from "./options.js";

/**
 * Opens the store at a URL. If manykv has no backend for the URL, uses the module of `--backend`, or else the package
 * that is named after the scheme and installed where manykv is.
 */
export async function openUrl(url: string, { timeout, backend }: ClientFlags): Promise<Store> {
  if (isOwnUrl(url)) return openStore(url, { timeout });
  const module = backend === undefined ? findPackage(packageOfUrl(url)) : await findModule(backend);
  if (module === undefined) return openStore(url, { timeout }); // Its error says how to add a backend.
  try {
    const load = (): Promise<BackendModule> => import(module);
    return await openStore(url, { timeout, backends: { [schemeOf(url)]: load } });
  } catch (error) {
    if (StoreError.is(error)) throw error;
    // The fault is in the module, so its author needs the stack.
    const failure = withoutCredentials(inspect(error));
    throw new CommandError(exitCode.usage, `the backend ${backend ?? packageOfUrl(url)} failed: ${failure}`);
  }
}

/** Returns the URL of the module that the user names: a path, a `file:` URL, or a package that is installed with manykv. */
async function findModule(name: string): Promise<string> {
  const path = name.startsWith("file:") ? fileURLToPath(name) : resolve(name);
  const isPath = name.startsWith("file:") || /^\.{0,2}[/\\]|\.[cm]?[jt]s$/.test(name);
  const found = isPath ? pathToFileURL(path).href : findPackage(name);
  if (found === undefined)
    throw new CommandError(
      exitCode.usage,
      `--backend ${JSON.stringify(name)}: no such package is installed where manykv is. Install it there, or pass the path of a module, such as ./backend.mjs`,
    );
  if (isPath)
    await access(path).catch((error) => {
      throw fileError("read", name, error);
    });
  return found;
}

/** Returns the URL of a package that is installed where manykv is. */
function findPackage(name: string): string | undefined {
  try {
    return import.meta.resolve(name);
  } catch {
    return undefined;
  }
}
