import type { Observation, ReadRecord, WriteRecord } from "./history.js";
import { explains, type KeyHistory, lastLanding } from "./key-history.js";

/**
 * One step in a possible order of the writes. A required step occurs exactly once. An optional step may occur any
 * number of times, because core repeats a request whose response was lost, and another client may write between the two
 * requests.
 */
interface Step {
  readonly write: WriteRecord;
  readonly start: number;
  readonly end: number;
  readonly optional: boolean;
}

/** Maximum number of states that the search tries for one key before it gives up. */
const mostStates = 50_000;

/**
 * Returns whether an order of the writes of a key explains all reads. In such an order, each read happens between its
 * start and its end and sees the latest write before it. A write with the outcome `applied` takes effect at least once
 * between its start and its end. A write with the outcome `unknown` takes effect any number of times, or never. Returns
 * `undefined` if the search gives up.
 *
 * The algorithm follows Wing and Gong, "Testing and Verifying Concurrent Objects" (1993).
 */
export function hasOrder({ writes, reads }: KeyHistory): boolean | undefined {
  const search = new OrderSearch(
    stepsOf(writes, reads),
    [...reads].sort((a, b) => a.start - b.start),
  );
  return search.run();
}

function stepsOf(writes: readonly WriteRecord[], reads: readonly ReadRecord[]): Step[] {
  const seen = new Set<Observation>(reads.map((read) => read.saw));
  const steps: Step[] = [];
  for (const write of writes) {
    if (write.outcome === "not-applied") continue;
    const { start, end } = write;
    // A write that no read saw does not restrict the order, unless it certainly took effect.
    const traced = write.kind === "delete" || seen.has(write.write) || seen.has("present");
    if (write.outcome === "applied") steps.push({ write, start, end, optional: false });
    if (traced) steps.push({ write, start, end: lastLanding(write), optional: true });
  }
  return steps.sort((a, b) => a.start - b.start);
}

/** One state of the search: the steps and reads that are not in the order yet, and the last write in the order. */
interface Rest {
  readonly steps: readonly Step[];
  readonly reads: readonly ReadRecord[];
  readonly current: WriteRecord | undefined;
  /**
   * The latest start of all steps and reads in the order. A step or read that ended before this time cannot come next.
   */
  readonly latestStart: number;
}

class OrderSearch {
  readonly #steps: readonly Step[];
  readonly #reads: readonly ReadRecord[];
  readonly #tried: Set<string> = new Set();

  constructor(steps: readonly Step[], reads: readonly ReadRecord[]) {
    this.#steps = steps;
    this.#reads = reads;
  }

  run(): boolean | undefined {
    const found = this.#fits({
      steps: this.#steps,
      reads: this.#reads,
      current: undefined,
      latestStart: -1,
    });
    return found || this.#tried.size < mostStates ? found : undefined;
  }

  #fits(whole: Rest): boolean {
    const rest = readAllThatIsSafe(whole);
    const { steps, reads, current, latestStart } = rest;
    const limit = Math.min(leastEnd(steps), leastEndOf(reads));
    if (reads.length === 0 && limit === Number.POSITIVE_INFINITY) return true;
    if (!this.#isNew(rest)) return false;
    for (const read of reads) {
      if (read.start > limit || !sees(read, current)) continue;
      const others = reads.filter((other) => other !== read);
      const start = Math.max(latestStart, read.start);
      if (this.#fits({ steps, reads: others, current, latestStart: start })) return true;
    }
    for (const step of steps) {
      if (step.start > limit || step.end < latestStart) continue;
      const others = step.optional ? steps : steps.filter((other) => other !== step);
      const start = Math.max(latestStart, step.start);
      if (this.#fits({ steps: others, reads, current: step.write, latestStart: start })) return true;
    }
    return false;
  }

  #isNew({ steps, reads, current }: Rest): boolean {
    if (this.#tried.size >= mostStates) return false;
    const left = `${steps.map((step) => this.#steps.indexOf(step))}/${reads.map((read) => read.start)}`;
    const state = `${left}/${current?.write ?? 0}`;
    if (this.#tried.has(state)) return false;
    this.#tried.add(state);
    return true;
  }
}

/**
 * Adds to the order every read that sees the current write and that no remaining step or read must precede. These
 * additions do not restrict the order of the other steps and reads. A step or read must precede a read that began after
 * the step or read ended. This also applies to optional steps.
 */
function readAllThatIsSafe({ steps, reads, current, latestStart }: Rest): Rest {
  let left = reads;
  let start = latestStart;
  let bound = Number.POSITIVE_INFINITY;
  for (const step of steps) {
    // A write that takes effect twice in a row changes nothing, unless another write may take effect in between.
    const matters = step.write !== current || steps.some((other) => isBetween(other, step));
    if (matters) bound = Math.min(bound, step.end);
  }
  for (;;) {
    const limit = Math.min(bound, leastEndOf(left));
    const ready = left.filter((read) => read.start < limit && sees(read, current));
    if (ready.length === 0) return { steps, reads: left, current, latestStart: start };
    for (const read of ready) start = Math.max(start, read.start);
    left = left.filter((read) => !ready.includes(read));
  }
}

function isBetween(other: Step, { write, end }: Step): boolean {
  return other.write !== write && other.start < end;
}

function leastEnd(steps: readonly Step[]): number {
  let least = Number.POSITIVE_INFINITY;
  for (const step of steps) if (!step.optional) least = Math.min(least, step.end);
  return least;
}

function leastEndOf(reads: readonly ReadRecord[]): number {
  let least = Number.POSITIVE_INFINITY;
  for (const read of reads) least = Math.min(least, read.end);
  return least;
}

function sees(read: ReadRecord, current: WriteRecord | undefined): boolean {
  return current === undefined ? read.saw === "missing" : explains(current, read.saw);
}
