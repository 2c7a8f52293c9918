import { type CompareTotals, compareRecords, type Difference } from "../../transfer/compare-records.js";
import { type ExitCode, exitCode } from "../errors.js";
import type { Interrupt } from "../interrupt.js";
import { printNoKeys } from "../no-keys.js";
import { openStandardOutput } from "../output.js";
import { Report } from "../report.js";
import { allBuckets, type NamedStore, openNamedBucket, type PairFlags, type StorePair } from "../store-pair.js";
import { formatCount, LimitedMessages, printMessage } from "../terminal.js";
import { CountedProgress } from "./counted-progress.js";

export interface CompareFlags extends PairFlags {
  readonly ttlTolerance: number;
  readonly ignoreTtl?: boolean;
  readonly count: boolean;
}

/** Compares the buckets, or all buckets, of two stores. Prints the differences, and returns the exit code. */
export async function runCompare(
  pair: StorePair,
  buckets: readonly string[] | undefined,
  flags: CompareFlags,
  interrupt: Interrupt,
): Promise<ExitCode> {
  const report = flags.report === undefined ? undefined : await Report.open(flags.report, undefined, interrupt);
  const names = buckets ?? (await bucketsOfBoth(pair, interrupt.stop));
  const comparison = new StoreComparison(pair, flags, interrupt, report);
  await comparison.run(names);
  return comparison.finish(buckets === undefined);
}

async function bucketsOfBoth({ first, second }: StorePair, signal: AbortSignal): Promise<string[]> {
  const names = await Promise.all([allBuckets(first, { signal }), allBuckets(second, { signal })]);
  return [...new Set(names.flat())].sort();
}

class StoreComparison {
  readonly #pair: StorePair;
  readonly #flags: CompareFlags;
  readonly #interrupt: Interrupt;
  readonly #report: Report | undefined;
  readonly #messages: LimitedMessages = new LimitedMessages("difference");
  readonly #totals: CompareTotals = { equal: 0, "only-in-a": 0, "only-in-b": 0, value: 0, ttl: 0 };
  readonly #emptyBuckets: string[] = [];

  constructor(pair: StorePair, flags: CompareFlags, interrupt: Interrupt, report: Report | undefined) {
    this.#pair = pair;
    this.#flags = flags;
    this.#interrupt = interrupt;
    this.#report = report;
  }

  async run(names: readonly string[]): Promise<void> {
    const progress = await this.#startProgress(names);
    let compared = 0;
    try {
      for (const name of names) {
        const before = compared;
        const totals = await this.#compare(name, (keys) => {
          compared = before + keys;
          progress.update(compared, compared);
        });
        for (const kind of kinds) this.#totals[kind] += totals[kind];
        if (compared === before) this.#emptyBuckets.push(name);
      }
    } finally {
      progress.stop();
    }
  }

  /** Completes the report, prints the totals and returns the exit code. */
  async finish(isAllBuckets: boolean): Promise<ExitCode> {
    const { equal, ...differences } = this.#totals;
    await this.#report?.finish(this.#totals);
    this.#messages.finish();
    if (this.#report?.error !== undefined) throw this.#report.error;
    if (!this.#flags.quiet) this.#printTotals();
    const isEmpty = isAllBuckets ? equal + sum(differences) === 0 : this.#emptyBuckets.length > 0;
    if (isEmpty) await this.#printEmpty(isAllBuckets);
    if (this.#flags.json) {
      const output = await openStandardOutput(this.#interrupt.stop);
      await output.write(`${JSON.stringify(this.#totals)}\n`);
    }
    const isDifferent = sum(differences) > 0 || (isEmpty && !this.#flags.allowEmpty);
    return isDifferent ? exitCode.incomplete : exitCode.done;
  }

  async #compare(name: string, onProgress: (compared: number) => void): Promise<CompareTotals> {
    const calls = { signal: this.#interrupt.stop };
    const { prefix, batchSize, ttlTolerance } = this.#flags;
    const open = async (store: NamedStore) => {
      const bucket = await openNamedBucket(store, name);
      return { bucket, read: this.#flags.ignoreTtl ? bucket.valueReader(calls) : await bucket.reader(calls) };
    };
    const [a, b] = await Promise.all([open(this.#pair.first), open(this.#pair.second)]);
    const onDifference = (difference: Difference): Promise<void> | undefined => this.#add(name, difference);
    return compareRecords({ a, b, prefix, batchSize, ttlTolerance, onDifference, onProgress, calls });
  }

  #startProgress(names: readonly string[]): Promise<Pick<CountedProgress, "update" | "stop">> {
    const { quiet, count, prefix } = this.#flags;
    if (quiet) return Promise.resolve(CountedProgress.none);
    const stores = [this.#pair.first, this.#pair.second];
    const listings = names.flatMap((name) =>
      stores.map((store) => ({ open: () => openNamedBucket(store, name), start: undefined })),
    );
    return CountedProgress.start("comparing", "keys", count ? { listings, prefix } : undefined);
  }

  #add(bucket: string, { key, kind, ttls }: Difference): Promise<void> | undefined {
    const times = ttls === undefined ? {} : { ttlA: ttls[0], ttlB: ttls[1] };
    this.#messages.add(`bucket ${JSON.stringify(bucket)}, key ${JSON.stringify(key)}: ${describe(kind, ttls)}`);
    return this.#report?.add({ bucket, key, difference: kind, ...times });
  }

  #printTotals(): void {
    const { equal, value, ttl, "only-in-a": onlyInA, "only-in-b": onlyInB } = this.#totals;
    const counts = [
      `${onlyInA.toLocaleString("en-US")} only in A`,
      `${onlyInB.toLocaleString("en-US")} only in B`,
      `${value.toLocaleString("en-US")} with different values`,
      `${ttl.toLocaleString("en-US")} with a different ttl`,
    ];
    printMessage(`${formatCount(equal, "equal record")}, ${counts.join(", ")}`);
  }

  async #printEmpty(isAllBuckets: boolean): Promise<void> {
    if (isAllBuckets) {
      printMessage("neither store has keys that match");
      return;
    }
    for (const bucket of this.#emptyBuckets) {
      for (const { name, store } of [this.#pair.first, this.#pair.second]) {
        const options = { prefix: this.#flags.prefix, where: `${name}: `, signal: this.#interrupt.stop };
        await printNoKeys(store, bucket, options);
      }
    }
  }
}

const kinds = ["equal", "only-in-a", "only-in-b", "value", "ttl"] as const;

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

function describe(kind: Difference["kind"], ttls: Difference["ttls"]): string {
  switch (kind) {
    case "only-in-a":
      return "only in A";
    case "only-in-b":
      return "only in B";
    case "value":
      return "different values";
    default:
      return `different ttl: ${ttls?.map((ttl) => (ttl === null ? "none" : `${ttl} ms`)).join(" in A, ")} in B`;
  }
}
