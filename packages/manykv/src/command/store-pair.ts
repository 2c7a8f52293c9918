import type { Bucket, CallOptions, Limits, Store } from "@manykv/core";
import type { Command } from "commander";
import { type ReadRecords, recordReader } from "../transfer/read-values.js";
import { CommandError, describeError, exitCode } from "./errors.js";
import type { Interrupt } from "./interrupt.js";
import {
  addClientOptions,
  addOutputOptions,
  batchSizeOption,
  type ClientFlags,
  type OutputFlags,
  prefixOption,
} from "./options.js";
import { rejectSharedOutput } from "./report.js";
import { openBucket, withStore } from "./with-bucket.js";

/** Options of the subcommands that use two stores. */
export interface PairFlags extends ClientFlags, OutputFlags {
  readonly bucket?: readonly string[];
  readonly allBuckets?: boolean;
  readonly prefix?: string;
  readonly batchSize: number;
  readonly report?: string;
  readonly allowEmpty?: boolean;
}

export function addPairOptions(command: Command, verb: string): Command {
  const own = command
    .option("-b, --bucket <names...>", 'buckets to use (default: "default")')
    .option("--all-buckets", "use all buckets that contain keys")
    .addOption(prefixOption(`${verb} only keys that start with this text`))
    .addOption(batchSizeOption())
    .option("--allow-empty", "succeed even if a bucket has no keys");
  return addOutputOptions(addClientOptions(own));
}

/** The two arguments of a subcommand that uses two stores, such as `FROM` and `TO`. */
export interface PairNames {
  readonly first: string;
  readonly second: string;
}

export interface StorePair {
  readonly first: NamedStore;
  readonly second: NamedStore;
}

export interface NamedStore {
  /** The name of the argument, for messages. */
  readonly name: string;
  readonly url: string;
  readonly store: Store;
}

/**
 * Opens the stores of the two arguments, runs `use` and closes them. An argument that is missing comes from the environment,
 * because other users of the machine can see a password in an argument.
 */
export function withStores<Result>(
  names: PairNames,
  given: readonly [first: string | undefined, second: string | undefined],
  flags: PairFlags,
  use: (pair: StorePair, buckets: readonly string[] | undefined, interrupt: Interrupt) => Promise<Result>,
): Promise<Result> {
  const { urls, buckets } = splitArguments(given, flags);
  rejectSharedOutput(flags);
  const first = urls[0] ?? process.env["MANYKV_FROM"] ?? "";
  const second = urls[1] ?? process.env["MANYKV_TO"] ?? "";
  if (first === "") throw missingUrl(names.first, "MANYKV_FROM");
  if (second === "") throw missingUrl(names.second, "MANYKV_TO");
  return withStore({ ...flags, store: first }, (ofFirst) =>
    withStore({ ...flags, store: second }, (ofSecond, interrupt) =>
      use(
        {
          first: { name: names.first, url: first, store: ofFirst },
          second: { name: names.second, url: second, store: ofSecond },
        },
        buckets,
        interrupt,
      ),
    ),
  );
}

/**
 * Returns the URLs and the names of buckets. `--bucket` takes all arguments that follow it, so URLs that follow it arrive as
 * names of buckets. Such a name contains no colon, and a URL does.
 */
function splitArguments(
  given: readonly (string | undefined)[],
  { bucket, allBuckets }: PairFlags,
): { urls: readonly (string | undefined)[]; buckets: readonly string[] | undefined } {
  const isUrl = (text: string): boolean => text.includes(":");
  const urls = [...given.filter((url) => url !== undefined), ...(bucket ?? []).filter(isUrl)];
  if (urls.length > 2) throw new CommandError(exitCode.usage, "too many arguments: pass two store URLs");
  const buckets = bucket?.filter((name) => !isUrl(name));
  if (allBuckets && buckets !== undefined)
    throw new CommandError(exitCode.usage, "pass either --bucket or --all-buckets");
  if (buckets?.length === 0) throw new CommandError(exitCode.usage, "--bucket needs the name of a bucket");
  return { urls, buckets: allBuckets ? undefined : [...new Set(buckets ?? ["default"])] };
}

function missingUrl(argument: string, variable: string): CommandError {
  return new CommandError(
    exitCode.usage,
    `no store URL for ${argument}: pass it as an argument, or set ${variable}, for example to redis://localhost:6379`,
  );
}

/** Returns the names of all buckets that contain keys, in order. */
export async function allBuckets({ name, store }: NamedStore, calls: CallOptions): Promise<string[]> {
  return withName(name, async () => {
    const names: string[] = [];
    for await (const bucket of store.buckets(calls)) names.push(bucket);
    return names.sort();
  });
}

/** A bucket of one of two stores. The messages of its errors start with the name of the store. */
export interface NamedBucket extends Pick<Bucket, "listKeys" | "existsMany" | "setMany"> {
  readonly limits: Limits;
  /** Returns a function that reads records with their remaining time to live. */
  reader(calls: CallOptions): Promise<ReadRecords>;
  /** Like `reader`, but without times to live. */
  valueReader(calls: CallOptions): ReadRecords;
}

export async function openNamedBucket({ name, store }: NamedStore, bucketName: string): Promise<NamedBucket> {
  const bucket = await openBucket(store, bucketName);
  const named = (read: ReadRecords): ReadRecords => {
    return (keys) => withName(name, () => read(keys));
  };
  return {
    limits: bucket.limits,
    listKeys: (options) => withName(name, () => bucket.listKeys(options)),
    existsMany: (keys, options) => withName(name, () => bucket.existsMany(keys, options)),
    // The outcome of each record is in the error.
    setMany: (entries, options) => bucket.setMany(entries, options),
    reader: async (calls) => named(await withName(name, () => recordReader(store, bucket, calls))),
    valueReader: (calls) => named((keys) => bucket.getMany(keys, calls)),
  };
}

/** Runs an action. If it fails, the message of the error starts with the name of the store. */
export async function withName<Value>(name: string, run: () => Promise<Value>): Promise<Value> {
  try {
    return await run();
  } catch (error) {
    const described = describeError(error);
    throw new CommandError(described.exitCode, `${name}: ${described.message}`, { cause: error });
  }
}
