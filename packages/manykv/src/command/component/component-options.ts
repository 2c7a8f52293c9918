import type { FailedCall, KeyvalueOptions, StoreEntry } from "@manykv/wasi";
import type { WasiOptions } from "@manykv/wasi/component";
import { type Command, InvalidArgumentError, Option } from "commander";
import { CommandError, exitCode } from "../errors.js";
import { parseCount, parseDuration } from "../options.js";
import { printMessage } from "../terminal.js";

/** Options of the subcommands that run components. */
export interface ComponentFlags {
  readonly store: readonly NamedValue[];
  readonly bucket: readonly NamedValue[];
  readonly unlisted: "no-such-store" | "access-denied";
  readonly maxResultBytes?: number;
  readonly timeout: number;
  readonly env: readonly NamedValue[];
  readonly dir: readonly NamedValue[];
  readonly network?: true;
}

type NamedValue = readonly [name: string, value: string];

export function addComponentOptions(command: Command): Command {
  return command
    .addOption(
      repeatable("-s, --store <name=url>", "store that the component may open under a name; repeatable", parseStore)
        // Other subcommands use the variable in the same way.
        .default([], "the store default at MANYKV_STORE"),
    )
    .addOption(
      repeatable("-b, --bucket <name=bucket>", "bucket of the store with this name; repeatable", parseBucket).default(
        [],
        "the name of the store",
      ),
    )
    .addOption(
      new Option("--unlisted <error>", "error for names that --store does not have")
        .choices(["no-such-store", "access-denied"])
        .default("no-such-store"),
    )
    .addOption(
      new Option(
        "--max-result-bytes <count>",
        "maximum size of the values that one call returns (default: 128 MiB)",
      ).argParser(parseCount),
    )
    .addOption(
      new Option("--timeout <duration>", "time limit of each call to a store; without a unit, in milliseconds")
        .argParser(parseDuration)
        .default(10_000, "10s"),
    )
    .addOption(
      repeatable(
        "--env <name=value>",
        "environment variable of the component, or a name to pass on; repeatable",
        parseVariable,
      ).default([], "none"),
    )
    .addOption(
      repeatable(
        "--dir <path[::path]>",
        "folder that the component may use, and its path there; repeatable",
        parseFolder,
      ).default([], "none"),
    )
    .option("--network", "let the component open sockets and send HTTP requests");
}

/** Returns an option that collects the values of its uses. */
function repeatable(flags: string, description: string, parse: (text: string) => NamedValue): Option {
  return new Option(flags, description).argParser<readonly NamedValue[]>((text, earlier) => [...earlier, parse(text)]);
}

const parseStore = parseNamedValue("Pass a name and a URL, such as default=redis://localhost:6379.");
const parseBucket = parseNamedValue("Pass the name of a store and a bucket, such as default=sessions.");

function parseNamedValue(advice: string): (text: string) => NamedValue {
  return (text) => {
    const separator = text.indexOf("=");
    // A URL without a name may contain an equals sign in a parameter.
    if (separator === -1 || /[:/]/.test(text.slice(0, separator))) throw new InvalidArgumentError(advice);
    return [text.slice(0, separator), text.slice(separator + 1)];
  };
}

function parseVariable(text: string): NamedValue {
  const separator = text.indexOf("=");
  if (separator !== -1) return [text.slice(0, separator), text.slice(separator + 1)];
  const value = process.env[text];
  if (value === undefined) throw new InvalidArgumentError("The command has no environment variable of this name.");
  return [text, value];
}

function parseFolder(text: string): NamedValue {
  const [host = "", guest = host] = text.split("::");
  return [guest, host];
}

/** Returns the options of the host that do not depend on the component. */
export function keyvalueOptions(flags: ComponentFlags): Omit<KeyvalueOptions, "shape" | "mode"> {
  const { unlisted, maxResultBytes, timeout } = flags;
  return { stores: storesOf(flags), unlisted, maxResultBytes, timeout, onError: printFailure };
}

function storesOf({ store, bucket, timeout }: ComponentFlags): Record<string, StoreEntry> {
  const urls = uniqueNames("--store", store.length === 0 ? defaultStore() : store);
  const buckets = uniqueNames("--bucket", bucket);
  const unknown = [...buckets.keys()].find((name) => !urls.has(name));
  if (unknown !== undefined)
    throw new CommandError(exitCode.usage, `--bucket names ${JSON.stringify(unknown)}, but no --store has this name`);
  const module = import.meta.resolve("#component-store");
  return Object.fromEntries(
    [...urls].map(([name, url]) => {
      const bucket = buckets.get(name);
      // A module would need a worker if the component has no JSPI. Memory needs none.
      if (url.toLowerCase() === "memory:") return [name, { url, bucket }];
      return [name, { module, argument: { url, timeout }, bucket }];
    }),
  );
}

/** Without `--store`, the store of the other subcommands is the store `default`. */
function defaultStore(): readonly NamedValue[] {
  const url = process.env["MANYKV_STORE"] ?? "";
  return url === "" ? [] : [["default", url]];
}

function uniqueNames(option: string, values: readonly NamedValue[]): ReadonlyMap<string, string> {
  const found = new Map(values);
  if (found.size < values.length) throw new CommandError(exitCode.usage, `${option} has the same name twice`);
  return found;
}

/** Returns what a component may use of the system. */
export function wasiOptions(flags: ComponentFlags, args: readonly string[]): WasiOptions {
  return {
    args,
    env: Object.fromEntries(flags.env),
    directories: Object.fromEntries(flags.dir),
    network: flags.network === true,
  };
}

/** Prints an error of a store. Components see less of it. */
function printFailure({ identifier, call, error }: FailedCall): void {
  const message = error instanceof Error ? error.message : String(error);
  printMessage(`store ${JSON.stringify(identifier)}: ${call} failed: ${message}`);
}
