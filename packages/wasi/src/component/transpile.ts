import { createHash, randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { StoreError } from "@manykv/core";
import type { Mode } from "../keyvalue.js";
import { waitingFunctions } from "../shapes/functions.js";
import {
  type ComponentDescription,
  type Declarations,
  describeComponent,
  exportedFunctions,
} from "./describe-component.js";

type Transpiler = typeof import("@bytecodealliance/jco-transpile") &
  Pick<typeof import("@bytecodealliance/jco-transpile/wasm-tools"), "componentWit">;

type Options = NonNullable<Parameters<Transpiler["transpileBytes"]>[1]>;

/** A component as an ES module in a folder. */
export interface Transpiled {
  readonly folder: string;
  readonly description: ComponentDescription;
}

/** Changes if this package writes other files for the same component. */
const format = 2;

const transpilerName = "@bytecodealliance/jco-transpile";

/** The ES module in the folder of a transpiled component. */
export const moduleFile = "component.js";

const descriptionFile = "description.json";

/**
 * Transpiles a component, or returns the result of an earlier run. The folder's name is a hash of everything that the
 * files depend on, so files in the cache never change.
 */
export async function transpile(component: Uint8Array, mode: Mode, cache: string): Promise<Transpiled> {
  const key = [format, mode, await transpilerVersion()].join("\n");
  const hash = createHash("sha256").update(`${key}\n`).update(component).digest("hex");
  const folder = join(cache, hash);
  const found = await readDescription(folder);
  if (found !== undefined) return { folder, description: found };
  const files = await transpileFiles(component, mode);
  await writeFolder(folder, files);
  return { folder, description: JSON.parse(String(files.get(descriptionFile))) };
}

async function readDescription(folder: string): Promise<ComponentDescription | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, descriptionFile), "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

async function transpileFiles(component: Uint8Array, mode: Mode): Promise<Map<string, string | Uint8Array>> {
  const transpiler = await loadTranspiler();
  const wit = await understand(() => transpiler.componentWit(component));
  const options: Options = { name: "component", instantiation: "async" };
  let { files } = await understand(() => transpiler.transpileBytes(component, options));
  const declarations = declarationsOf(files);
  const description = describeComponent(wit, declarations);
  // The transpiler finds asynchronous functions of the component model by their types, and must be told all others.
  if (mode === "jspi" && description.shape !== undefined && description.shape !== "wasmcloud-0.2") {
    const suspending: Options = {
      ...options,
      asyncMode: "jspi",
      asyncImports: waitingFunctions(description.shape),
      asyncExports: exportedFunctions(description.exports, declarations),
    };
    ({ files } = await transpiler.transpileBytes(component, suspending));
  }
  const code = new TextDecoder().decode(files[moduleFile]);
  return new Map<string, string | Uint8Array>([
    ...Object.entries(files).filter(([name]) => !name.endsWith(".d.ts")),
    [moduleFile, mode === "sync" ? `${withoutPromising}${code}` : code],
    ["package.json", '{ "type": "module" }\n'],
    [descriptionFile, JSON.stringify(description)],
  ]);
}

/**
 * For each instance, the transpiled code calls a function that Node.js 20 and 22 lack, and catches the error. The error
 * takes longer than all the rest of an instance, because V8 parses the whole module again for its stack trace.
 */
const withoutPromising =
  "const WebAssembly = Object.setPrototypeOf({ promising: (run) => run }, globalThis.WebAssembly);\n";

function declarationsOf(files: Record<string, Uint8Array>): Declarations {
  const decoder = new TextDecoder();
  const declarations = Object.entries(files).filter(([name]) => name.endsWith(".d.ts"));
  return new Map(declarations.map(([name, bytes]) => [name, decoder.decode(bytes)]));
}

/** Writes a folder at once, because another process may read or write the same folder. */
async function writeFolder(folder: string, files: ReadonlyMap<string, string | Uint8Array>): Promise<void> {
  const temporary = `${folder}.${randomUUID()}`;
  try {
    for (const [name, content] of files) {
      const path = join(temporary, name);
      // Other users must not be able to replace code that this user runs.
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await writeFile(path, content);
    }
    await rename(temporary, folder);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    if ((await readDescription(folder)) === undefined) throw error;
  }
}

async function transpilerVersion(): Promise<string> {
  try {
    const main = createRequire(import.meta.url).resolve(transpilerName);
    const manifest = JSON.parse(await readFile(join(dirname(dirname(main)), "package.json"), "utf8"));
    return `${manifest.version}`;
  } catch (error) {
    throw withAdvice(error);
  }
}

async function loadTranspiler(): Promise<Transpiler> {
  try {
    const [main, { componentWit }] = await Promise.all([
      import("@bytecodealliance/jco-transpile"),
      import("@bytecodealliance/jco-transpile/wasm-tools"),
    ]);
    return { ...main, componentWit };
  } catch (error) {
    throw withAdvice(error);
  }
}

function withAdvice(error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== "MODULE_NOT_FOUND" && code !== "ERR_MODULE_NOT_FOUND") return error;
  return new StoreError(
    "unsupported",
    `a component needs packages that are not installed: npm install ${transpilerName}@0.15 @bytecodealliance/preview2-shim@0.26`,
  );
}

/** Runs the first functions that read the component, and says what is wrong if they cannot. */
async function understand<Result>(read: () => Promise<Result>): Promise<Result> {
  try {
    return await read();
  } catch (error) {
    if (StoreError.is(error)) throw error;
    const { message = String((error as { payload?: unknown }).payload ?? error) } = error as Partial<Error>;
    const [firstLine] = message.split("\n");
    throw new StoreError(
      "invalid-argument",
      `the file is not a WebAssembly component that this host understands. A core module needs \`wasm-tools component new\` first. The transpiler says: ${firstLine}`,
    );
  }
}
