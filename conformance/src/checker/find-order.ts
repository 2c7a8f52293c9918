import type { Observation, ReadRecord } from "./history.js";
import { type KeyHistory, type KeyWrite, lastLanding, type Span } from "./key-history.js";
import { type KeyState, missing, sees, stateAfter } from "./key-state.js";

/**
 * One step in a possible order of the writes. A required step occurs exactly once. An optional step may occur any
 * number of times, because core repeats a request whose response was lost, and another client may write between the two
 * requests. Core does not repeat increments.
 */
interface Step extends Span {
  readonly write: KeyWrite;
  readonly optional: boolean;
}

/** Maximum number of states that the search tries for one key before it gives up. */
const mostStates = 50_000;

/**
 * Returns whether an order of the writes of a key explains all reads and all conditions of writes. In such an order, each
 * read happens between its start and its end and sees the state that the writes before it left. A write takes effect only
 * in the state that it expects. A write with the outcome `applied` takes effect at least once between its start and its
 * end. A write with the outcome `unknown` takes effect any number of times, or never. An increment takes effect at most
 * once. A key becomes missing when its time to live ends. Returns `undefined` if the search gives up.
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

function stepsOf(writes: readonly KeyWrite[], reads: readonly ReadRecord[]): Step[] {
  const seen = new Set<Observation | undefined>(reads.map((read) => read.saw));
  for (const { record } of writes) seen.add(record.expected);
  const steps: Step[] = [];
  for (const write of writes) {
    const { kind, outcome, start, end, ttl, write: number } = write.record;
    if (outcome === "not-applied") continue;
    const isApplied = outcome === "applied";
    if (isApplied) steps.push({ write, start, end, optional: false });
    // A value that no read returned does not restrict the order, unless its write certainly took effect.
    const isTraced = kind !== "set" || ttl !== undefined || seen.has(number) || seen.has("present");
    const isRepeated = isApplied && kind !== "increment";
    if (isTraced && (isRepeated || !isApplied)) {
      steps.push({ write, start, end: lastLanding(write.record), optional: true });
    }
  }
  return steps.sort((a, b) => a.start - b.start);
}

/** One point of the search: the steps and reads that are not in the order yet, and the state that the order leads to. */
interface Rest {
  readonly steps: readonly Step[];
  readonly reads: readonly ReadRecord[];
  readonly state: KeyState;
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
      state: missing,
      latestStart: -1,
    });
    return found || this.#tried.size < mostStates ? found : undefined;
  }

  #fits(whole: Rest): boolean {
    const { steps: all, reads, state, latestStart } = readAllThatIsSafe(whole);
    // A step that ended before the latest start can no longer come.
    const steps = all.filter((step) => step.end >= latestStart);
    if (all.some((step) => !step.optional && step.end < latestStart)) return false;
    const { expiry } = state;
    const isExpired = expiry !== undefined && expiry.end < latestStart;
    const end = Math.min(leastEnd(steps), leastEndOf(reads));
    if (reads.length === 0 && end === Number.POSITIVE_INFINITY) return true;
    if (isExpired || !this.#isNew({ steps, reads, state, latestStart })) return false;
    const limit = Math.min(end, expiry?.end ?? Number.POSITIVE_INFINITY);
    const next = (start: number, rest: Partial<Rest>): boolean =>
      this.#fits({ steps, reads, state, ...rest, latestStart: Math.max(latestStart, start) });
    for (const read of reads) {
      if (read.start > limit || !sees(read.saw, state)) continue;
      if (next(read.start, { reads: reads.filter((other) => other !== read) })) return true;
    }
    for (const step of steps) {
      if (step.start > limit) continue;
      const after = stateAfter(step.write, state);
      if (after === undefined) continue;
      const isOver = !step.optional || step.write.record.kind === "increment";
      const left = isOver ? steps.filter((other) => other !== step) : steps;
      if (next(step.start, { steps: left, state: after })) return true;
    }
    return expiry !== undefined && expiry.start <= limit && next(expiry.start, { state: missing });
  }

  #isNew({ steps, reads, state }: Rest): boolean {
    if (this.#tried.size >= mostStates) return false;
    const left = steps.map(({ write, optional }) => `${write.record.write}${optional ? "*" : ""}`);
    const { value, expiry } = state;
    const now = `${typeof value} ${value} ${expiry?.start} ${expiry?.end}`;
    const key = `${left}/${reads.map((read) => read.start)}/${now}`;
    if (this.#tried.has(key)) return false;
    this.#tried.add(key);
    return true;
  }
}

/**
 * Adds to the order every read that sees the current state and that no remaining step or read must precede. These
 * additions do not restrict the order of the other steps and reads. A step or read must precede a read that began after
 * the step or read ended. This also applies to optional steps.
 */
function readAllThatIsSafe({ steps, reads, state, latestStart }: Rest): Rest {
  let left = reads;
  let start = latestStart;
  let bound = state.expiry?.end ?? Number.POSITIVE_INFINITY;
  for (const step of steps) {
    if (matters(step, steps, state)) bound = Math.min(bound, step.end);
  }
  for (;;) {
    const limit = Math.min(bound, leastEndOf(left));
    const ready = left.filter((read) => read.start < limit && sees(read.saw, state));
    if (ready.length === 0) return { steps, reads: left, state, latestStart: start };
    for (const read of ready) start = Math.max(start, read.start);
    left = left.filter((read) => !ready.includes(read));
  }
}

/** Returns whether a step may change the state, now or after other steps or an expiry. */
function matters(step: Step, steps: readonly Step[], state: KeyState): boolean {
  if (!step.optional || state.expiry !== undefined) return true;
  const after = stateAfter(step.write, state);
  if (after !== undefined && (after.value !== state.value || after.expiry !== undefined)) return true;
  return steps.some((other) => other.write !== step.write && other.start < step.end);
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
