import { type CompareTotals, compareRecords, type Difference, noTotals } from "../../transfer/compare-records.js";
import { describeError, type ExitCode, exitCode } from "../errors.js";
import type { Interrupt } from "../interrupt.js";
import { printNoKeys } from "../no-keys.js";
import { printJson } from "../output.js";
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
  const names = buckets ?? (await bucketsOfBoth(pair, interrupt.stop));
  const report = flags.report === undefined ? undefined : await Report.open(flags.report, undefined, interrupt);
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
  readonly #totals: CompareTotals & { complete: boolean } = { ...noTotals, complete: false };
  readonly #errors: unknown[] = [];
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
        await this.#compare(name, (keys) => {
          compared = before + keys;
          progress.update(compared, compared);
        });
        if (compared === before) this.#emptyBuckets.push(name);
      }
      this.#totals.complete = true;
    } catch (error) {
      if (!this.#interrupt.stop.aborted) this.#errors.push(error);
    } finally {
      progress.stop();
    }
  }

  /** Completes the report, prints the totals and returns the exit code. */
  async finish(isAllBuckets: boolean): Promise<ExitCode> {
    await this.#report?.finish(this.#totals);
    if (this.#report?.error !== undefined) this.#errors.push(this.#report.error);
    if (this.#flags.json)
      await printJson(this.#totals, this.#interrupt.abort).catch((error) => this.#errors.push(error));
    this.#messages.finish();
    const described = this.#errors.map(describeError);
    for (const { message } of described) printMessage(message);
    if (!this.#flags.quiet && !this.#flags.json) this.#printTotals();
    const { complete, equal } = this.#totals;
    const differences = countDifferences(this.#totals);
    const isEmpty = isAllBuckets ? equal + differences === 0 : this.#emptyBuckets.length > 0;
    if (complete && isEmpty) await this.#printEmpty(isAllBuckets);
    const isDifferent = differences > 0 || (isEmpty && !this.#flags.allowEmpty);
    return this.#interrupt.exitCode ?? described[0]?.exitCode ?? (isDifferent ? exitCode.incomplete : exitCode.done);
  }

  async #compare(name: string, onProgress: (compared: number) => void): Promise<void> {
    const calls = { signal: this.#interrupt.stop };
    const { prefix, batchSize, ttlTolerance } = this.#flags;
    const open = async (store: NamedStore) => {
      const bucket = await openNamedBucket(store, name);
      return { bucket, read: this.#flags.ignoreTtl ? bucket.valueReader(calls) : await bucket.reader(calls) };
    };
    const [a, b] = await Promise.all([open(this.#pair.first), open(this.#pair.second)]);
    const onDifference = (difference: Difference): Promise<void> | undefined => this.#add(name, difference);
    const totals = this.#totals;
    await compareRecords({ a, b, prefix, batchSize, ttlTolerance, totals, onDifference, onProgress, calls });
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
    if (!this.#totals.complete) printMessage("the comparison is incomplete");
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

function countDifferences(totals: CompareTotals): number {
  return totals["only-in-a"] + totals["only-in-b"] + totals.value + totals.ttl;
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
