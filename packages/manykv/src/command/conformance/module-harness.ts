import { access } from "node:fs/promises";
import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { inspect } from "node:util";
import type { ConformanceHarness } from "@manykv/conformance";
import { CommandError, exitCode, fileError } from "../errors.js";

/** The harness that a module exports, and how to end what the module started. */
export interface ModuleHarness {
  readonly harness: ConformanceHarness;
  close(): Promise<void>;
}

/**
 * Loads the module at a path or a `file:` URL. Its default export is a harness or a function that returns one. If it
 * exports a function `close`, the command calls it after the run.
 */
export async function moduleHarness(target: string): Promise<ModuleHarness> {
  const path = target.startsWith("file:") ? fileURLToPath(target) : resolve(target);
  await access(path).catch((error) => {
    const { message } = fileError("read", target, error);
    throw new CommandError(
      exitCode.file,
      `${message}. The target is a store URL, such as redis://localhost:6379, or the path of a module that exports a harness: manykv conformance --init writes one`,
    );
  });
  const exported = await ofAuthor(target, () => import(pathToFileURL(path).href));
  const { default: given, close } = exported as { readonly default?: unknown; readonly close?: unknown };
  if (given === undefined)
    throw new CommandError(exitCode.usage, `${JSON.stringify(target)} must export a harness as its default export`);
  const harness = typeof given === "function" ? await ofAuthor(target, async () => given()) : given;
  return {
    harness: harness as ConformanceHarness,
    close: async () => {
      if (typeof close === "function") await ofAuthor(target, async () => close());
    },
  };
}

/** Runs code of the module. An error in it is a bug in the module, so its author needs the stack. */
async function ofAuthor(target: string, run: () => Promise<unknown>): Promise<unknown> {
  try {
    return await run();
  } catch (error) {
    throw new CommandError(exitCode.usage, `${JSON.stringify(target)} failed: ${inspect(error)}`);
  }
}
