import { basename } from "node:path";
import type { Component } from "@manykv/wasi/component";
import type { Command } from "commander";
import {
  addComponentOptions,
  type ComponentFlags,
  keyvalueOptions,
  wasiOptions,
} from "../component/component-options.js";
import { loadWasi } from "../component/load-wasi.js";
import { CommandError, type ExitCode, exitCode } from "../errors.js";
import { readInput } from "../input.js";
import { interrupt } from "../interrupt.js";
import type { ToAction } from "../options.js";
import { printMessage } from "../terminal.js";

export function addRunCommand(program: Command, toAction: ToAction): void {
  const command = program
    .command("run")
    .summary("run a WebAssembly component with stores as wasi:keyvalue")
    .description(
      "Run a WebAssembly component that exports wasi:cli/run. It finds the stores of the options through wasi:keyvalue.",
    )
    .argument("<component>", "file with the component")
    .argument("[arguments...]", "arguments of the component")
    // What follows the component is for the component.
    .passThroughOptions();
  addComponentOptions(command).addHelpText("after", help).action(toAction(run));
}

const help = `
Without --store, MANYKV_STORE is the store "default". A component sees nothing of
the system but its arguments, standard input and output, clocks and random numbers,
unless --env, --dir and --network pass on more.

The exit code is that of the component, or 1 if it returns an error or traps.

The command transpiles a component once and caches the result in your cache folder.

Examples
  manykv run --store default=redis://localhost:6379 component.wasm
  manykv run -s default=memory: -s "=postgres://localhost/shop" component.wasm
  manykv run --dir ./data::/data --env LEVEL=debug component.wasm /data/input.csv`;

async function run(path: string, args: readonly string[], flags: ComponentFlags): Promise<ExitCode> {
  const wasi = await loadWasi();
  const bytes = await readInput(path, interrupt.stop);
  const component = await wasi.loadComponent(bytes);
  const name = runExportOf(component);
  const { shape } = component;
  await using host = shape && wasi.keyvalue({ ...keyvalueOptions(flags), shape });
  await host?.open();
  const imports = await wasi.wasiImports(wasiOptions(flags, [basename(path), ...args]), component.imports);
  // A component may block this thread, and then no listener could end it.
  interrupt.release();
  try {
    const exports = await component.instantiate(host, imports);
    const { run } = exports[name] as { run(): unknown };
    await run();
    return exitCode.done;
  } catch (error) {
    // A component may end with any code.
    if (error instanceof wasi.ComponentExit) return error.code as ExitCode;
    if (error instanceof Error) printMessage(`the component trapped: ${error.message}`);
    else printMessage("the component returned an error");
    return exitCode.incomplete;
  }
}

/** Returns the name of the exported interface with its version. */
function runExportOf({ exports }: Component): string {
  const found = exports.find((name) => /^wasi:cli\/run@0\.[23]\./.test(name));
  if (found !== undefined) return found;
  const others = exports.length === 0 ? "nothing" : exports.join(", ");
  const advice = exports.some((name) => name.startsWith("wasi:http/")) ? ". Use manykv serve" : "";
  throw new CommandError(
    exitCode.usage,
    `manykv run needs a component that exports wasi:cli/run@0.2 or 0.3. This one exports ${others}${advice}`,
  );
}
