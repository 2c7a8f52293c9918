import { StoreError } from "@manykv/core";
import { compareRecords, type DifferenceKind, noTotals } from "../../transfer/compare-records.js";
import type { RecordFailure, WriteResult } from "../../transfer/write-records.js";
import { CommandError, describeError, type ExitCode, exitCode } from "../errors.js";
import type { Interrupt } from "../interrupt.js";
import { printNoKeys } from "../no-keys.js";
import { printJson } from "../output.js";
import { Report } from "../report.js";
import { rejectSameFile } from "../same-file.js";
import { allBuckets, type NamedBucket, openNamedBucket, type PairFlags, type StorePair } from "../store-pair.js";
import { formatBytes, formatCount, formatTransfer, LimitedMessages, printMessage } from "../terminal.js";
import { unlessAborted } from "../unless-aborted.js";
import { warnOfDataLoss } from "../warn-of-data-loss.js";
import { type CopyCounts, copyBucket } from "./copy-bucket.js";
import { CountedProgress } from "./counted-progress.js";
import { Journal } from "./journal.js";
import { resumeBucket } from "./resume-bucket.js";
import { hashOf, storeIdentity } from "./store-identity.js";

export interface CopyFlags extends PairFlags {
  readonly toBucket?: string;
  readonly provision: boolean;
  readonly update?: boolean;
  readonly verify?: boolean;
  readonly dryRun?: boolean;
  readonly onError: "stop" | "continue";
  readonly journal?: string;
  readonly restart?: boolean;
  readonly count: boolean;
}

/** The ttl of a record and of its copy may differ by this time, which the calls to the stores take. */
const ttlTolerance = 1000;

/** Copies the buckets, or all buckets, from the first store to the second. Prints the result, and returns the exit code. */
export async function runCopy(
  pair: StorePair,
  buckets: readonly string[] | undefined,
  flags: CopyFlags,
  interrupt: Interrupt,
): Promise<ExitCode> {
  rejectSameBucket(pair, buckets, flags);
  const files = Object.entries({ "--journal": flags.journal, "--report": flags.report });
  await rejectSameFile(files.filter((file): file is [string, string] => file[1] !== undefined));
  const journal = flags.dryRun ? undefined : await openJournal(pair, buckets, flags);
  if (!flags.dryRun) await prepare(pair, flags, interrupt);
  const names = buckets ?? (await allBuckets(pair.first, { signal: interrupt.stop }));
  const report = flags.report === undefined ? undefined : await Report.open(flags.report, undefined, interrupt);
  const copy = new Copy(pair, flags, interrupt, journal, report);
  await copy.run(names);
  if (copy.isWhole && flags.verify) await copy.verify(names);
  return copy.finish(buckets === undefined);
}

/** A copy of a bucket to itself would overwrite what clients write in the meantime. */
function rejectSameBucket(
  { first, second }: StorePair,
  buckets: readonly string[] | undefined,
  flags: CopyFlags,
): void {
  if (flags.toBucket !== undefined && buckets?.length !== 1)
    throw new CommandError(exitCode.usage, "--to-bucket renames one bucket: pass one name to --bucket");
  if (storeIdentity(first.url) !== storeIdentity(second.url)) return;
  if (flags.toBucket !== undefined && flags.toBucket !== buckets?.[0]) return;
  throw new CommandError(
    exitCode.usage,
    `${first.name} and ${second.name} are the same store: pass another store, or the name of another bucket with --to-bucket`,
  );
}

async function openJournal(
  { first, second }: StorePair,
  buckets: readonly string[] | undefined,
  { toBucket, prefix, journal: path, restart = false, quiet }: CopyFlags,
): Promise<Journal> {
  const names = buckets === undefined ? "all" : [...buckets].sort();
  const copy = hashOf([storeIdentity(first.url), storeIdentity(second.url), names, toBucket ?? "", prefix ?? ""]);
  const journal = await Journal.open(path ?? `.manykv-copy-${copy.slice(0, 12)}.json`, copy, restart);
  if (journal.continuedFrom !== undefined && !restart && !quiet) {
    printMessage(
      `continuing the copy that began at ${journal.continuedFrom} (to copy everything again, pass --restart)`,
    );
  }
  return journal;
}

async function prepare({ second }: StorePair, flags: CopyFlags, interrupt: Interrupt): Promise<void> {
  const where = `${second.name}: `;
  if (!flags.quiet) await warnOfDataLoss(second.store, { timeout: flags.timeout, where, signal: interrupt.stop });
  if (!flags.provision) return;
  try {
    await unlessAborted(interrupt.stop, second.store.provision());
  } catch (error) {
    const { message, exitCode: code } = describeError(error);
    const isDenied = StoreError.is(error) && error.code === "access-denied";
    const advice = isDenied ? ". If the table exists, pass --no-provision" : "";
    throw new CommandError(code, `${where}${message}${advice}`);
  }
}

/** The totals of a copy, as `--json` and the report contain them. */
interface CopyTotals {
  copied: number;
  equal: number;
  missing: number;
  "not-applied": number;
  unknown: number;
  /** Number of records that the verification did not find in the target, or found with another value or ttl. */
  different: number;
  bytes: number;
  /** Whether the copy, and the verification if the user asked for it, came to its end. */
  complete: boolean;
}

class Copy {
  readonly #pair: StorePair;
  readonly #flags: CopyFlags;
  readonly #interrupt: Interrupt;
  readonly #journal: Journal | undefined;
  readonly #report: Report | undefined;
  readonly #messages: LimitedMessages = new LimitedMessages("record");
  readonly #startedAt: number = performance.now();
  readonly #emptyBuckets: string[] = [];
  readonly #errors: unknown[] = [];
  #keysRead = 0;
  #isEmpty = true;
  readonly #totals: CopyTotals = {
    copied: 0,
    equal: 0,
    missing: 0,
    "not-applied": 0,
    unknown: 0,
    different: 0,
    bytes: 0,
    complete: false,
  };

  constructor(
    pair: StorePair,
    flags: CopyFlags,
    interrupt: Interrupt,
    journal: Journal | undefined,
    report: Report | undefined,
  ) {
    this.#pair = pair;
    this.#flags = flags;
    this.#interrupt = interrupt;
    this.#journal = journal;
    this.#report = report;
  }

  /** Whether every record was copied. */
  get isWhole(): boolean {
    return this.#totals.complete && this.#totals["not-applied"] + this.#totals.unknown === 0;
  }

  async run(names: readonly string[]): Promise<void> {
    const remaining = names.filter((name) => !this.#journal?.progressOf(name)?.done);
    const progress = await this.#startProgress(this.#flags.dryRun ? "reading" : "copying", remaining);
    try {
      for (const name of names) if (!(await this.#copyBucket(name, progress))) return;
      this.#totals.complete = true;
    } catch (error) {
      if (!this.#interrupt.stop.aborted) this.#errors.push(error);
    } finally {
      progress.stop();
    }
  }

  /** Reads the source again, and compares it with the target. */
  async verify(names: readonly string[]): Promise<void> {
    const progress = await this.#startProgress("verifying", names);
    let compared = 0;
    try {
      for (const name of names) {
        const [from, to] = await this.#open(name);
        const calls = { signal: this.#interrupt.stop };
        const before = compared;
        await compareRecords({
          a: { bucket: from, read: await from.reader(calls) },
          b: { bucket: to, read: await to.reader(calls) },
          prefix: this.#flags.prefix,
          batchSize: this.#flags.batchSize,
          ttlTolerance,
          onlyFromA: true,
          totals: { ...noTotals },
          onDifference: ({ key, kind }) => this.#addDifference(name, key, kind),
          onProgress: (keys) => {
            compared = before + keys;
            progress.update(compared, compared);
          },
          calls,
        });
      }
    } catch (error) {
      // A later run then only verifies.
      this.#totals.complete = false;
      if (!this.#interrupt.stop.aborted) this.#errors.push(error);
    } finally {
      progress.stop();
    }
  }

  /** Completes the report and the journal, prints the result and returns the exit code. */
  async finish(isAllBuckets: boolean): Promise<ExitCode> {
    const { complete } = this.#totals;
    await this.#report?.finish(this.#totals);
    if (this.#report?.error !== undefined) this.#errors.push(this.#report.error);
    await (complete ? this.#journal?.remove() : this.#journal?.save())?.catch((error) => this.#errors.push(error));
    if (this.#flags.json)
      await printJson(this.#totals, this.#interrupt.abort).catch((error) => this.#errors.push(error));
    this.#messages.finish();
    const described = this.#errors.map(describeError);
    for (const { message } of described) printMessage(message);
    if (!this.#flags.quiet && !(this.#flags.json && this.isWhole)) this.#printSummary();
    if (complete) await this.#printEmpty(isAllBuckets);
    const isEmpty = isAllBuckets ? this.#isEmpty : this.#emptyBuckets.length > 0;
    const isIncomplete = !this.isWhole || this.#totals.different > 0 || (isEmpty && !this.#flags.allowEmpty);
    return this.#interrupt.exitCode ?? described[0]?.exitCode ?? (isIncomplete ? exitCode.incomplete : exitCode.done);
  }

  async #startProgress(action: string, names: readonly string[]): Promise<Pick<CountedProgress, "update" | "stop">> {
    const { quiet, count, prefix } = this.#flags;
    if (quiet) return CountedProgress.none;
    const listings = names.map((name) => ({
      open: async () => (await this.#open(name))[0],
      start: action === "verifying" ? undefined : this.#journal?.progressOf(name)?.cursor,
    }));
    return CountedProgress.start(action, "records", count ? { listings, prefix } : undefined);
  }

  #open(name: string): Promise<[from: NamedBucket, to: NamedBucket]> {
    const { first, second } = this.#pair;
    return Promise.all([openNamedBucket(first, name), openNamedBucket(second, this.#flags.toBucket ?? name)]);
  }

  /** Copies one bucket, or the rest of it. Returns whether the copy may continue with the next bucket. */
  async #copyBucket(name: string, progress: Pick<CountedProgress, "update">): Promise<boolean> {
    const { prefix, batchSize, onError, update = false, dryRun = false } = this.#flags;
    const journal = this.#journal;
    const [from, to] = await this.#open(name);
    const earlier = journal?.progressOf(name);
    const resumed = earlier && (await resumeBucket(name, { from, to, earlier, prefix, stop: this.#interrupt.stop }));
    if (resumed?.done) {
      this.#isEmpty = false;
      return true;
    }
    const start = resumed?.cursor;
    const copiedEarlier = resumed?.copied ?? 0;
    const [copiedBefore, readBefore] = [this.#totals.copied, this.#keysRead];
    const result = await copyBucket(from, to, {
      prefix,
      batchSize,
      continueOnError: onError === "continue",
      update: update || resumed?.startsOver === true,
      dryRun,
      ttlTolerance,
      start,
      onFailure: (failure) => this.#addFailure(name, failure),
      onProgress: ({ copied, read }, cursor) => {
        progress.update(readBefore + read, copiedBefore + copied);
        journal?.record(name, { done: false, cursor, copied: copiedEarlier + copied });
      },
      interrupt: this.#interrupt,
    });
    this.#add(result, result.counts);
    const { totals, counts } = result;
    if (totals.complete && totals.next === undefined)
      journal?.record(name, { done: true, copied: copiedEarlier + counts.copied });
    if (totals.complete && counts.listed === 0 && start === undefined) this.#emptyBuckets.push(name);
    else this.#isEmpty = false;
    return totals.complete && (totals.next === undefined || onError === "continue");
  }

  #add({ totals, storeError, inputError }: WriteResult, counts: CopyCounts): void {
    this.#totals.copied += totals.applied;
    this.#totals.equal += counts.equal;
    this.#totals.missing += counts.missing;
    this.#totals["not-applied"] += totals["not-applied"];
    this.#totals.unknown += totals.unknown;
    this.#totals.bytes += totals.bytes;
    this.#keysRead += counts.read;
    if (inputError !== undefined) this.#errors.push(inputError);
    if (storeError === undefined) return;
    const { message, exitCode: code } = describeError(storeError);
    this.#errors.push(new CommandError(code, `${this.#pair.second.name}: ${message}`));
  }

  #addFailure(bucket: string, { key, outcome, code, problem: reason }: RecordFailure): Promise<void> | undefined {
    const what = outcome === "unknown" ? "unknown" : "not applied";
    this.#messages.add(`${describeKey(bucket, key)}: ${what}: ${reason ?? code}`);
    return this.#report?.add({ bucket, key, outcome, code, reason });
  }

  #addDifference(bucket: string, key: string, kind: DifferenceKind): Promise<void> | undefined {
    const difference = kind === "only-in-a" ? "missing" : kind;
    this.#totals.different++;
    this.#messages.add(`${describeKey(bucket, key)}: different after the copy: ${difference}`);
    return this.#report?.add({ bucket, key, outcome: "different", difference });
  }

  #printSummary(): void {
    const { dryRun, update, verify } = this.#flags;
    const totals = this.#totals;
    const size = dryRun ? formatBytes(totals.bytes) : formatTransfer(totals.bytes, this.#startedAt);
    const parts = [`${dryRun ? "would copy" : "copied"} ${formatCount(totals.copied, "record")}`];
    if (update) parts.push(`${totals.equal.toLocaleString("en-US")} equal`);
    if (!this.isWhole) parts.push(`${totals["not-applied"]} not applied`, `${totals.unknown} unknown`);
    printMessage(`${parts.join(", ")}, ${size}`);
    if (totals.missing > 0) printMessage(`${formatCount(totals.missing, "key")} deleted or expired during the copy`);
    if (!totals.complete && !dryRun) printMessage("the copy is incomplete: to continue, run the same command again");
    else if (!this.isWhole && !dryRun)
      printMessage("to try the records that were not copied again, run the same command with --update");
    else if (totals.different > 0)
      printMessage(
        `${formatCount(totals.different, "record")} different: to copy them, run the same command with --update`,
      );
    else if (verify && this.#errors.length === 0) printMessage("verified: every record is in the target");
  }

  async #printEmpty(isAllBuckets: boolean): Promise<void> {
    const { first } = this.#pair;
    const { prefix } = this.#flags;
    if (isAllBuckets) {
      if (this.#isEmpty)
        printMessage(`${first.name}: no bucket has keys${prefix === undefined ? "" : " with the prefix"}`);
      return;
    }
    const { stop: signal } = this.#interrupt;
    for (const bucket of this.#emptyBuckets)
      await printNoKeys(first.store, bucket, { prefix, where: `${first.name}: `, signal });
  }
}

function describeKey(bucket: string, key: string | undefined): string {
  return `bucket ${JSON.stringify(bucket)}, key ${JSON.stringify(key)}`;
}
