import type { JepsenEvent, JepsenValue } from "./read-jepsen.js";

// A second checker, written from the papers alone, to confirm the one in `@manykv/conformance/checker`:
// - J. Wing, C. Gong: Testing and Verifying Concurrent Objects (1993): the search for an order with backtracking.
// - G. Lowe: Testing for Linearizability (2017): the cache of configurations (linearized operations and state).

interface Operation {
  readonly f: JepsenEvent["f"];
  value: JepsenEvent["value"];
  /** Whether its effect is unknown, so that it may be left out of the order. */
  isOptional: boolean;
  /** Its bit in the set of operations that are in the order or left out. */
  readonly bit: bigint;
}

/** An event in a doubly linked list. */
interface Entry {
  readonly operation: Operation;
  /** The entry of the end, if this is the entry of a beginning. */
  end: Entry | undefined;
  readonly isEnd: boolean;
  previous: Entry | undefined;
  next: Entry | undefined;
}

/** What the search does with an operation: `again` changes the state and keeps the operation in the list. */
type Choice = "apply" | "again" | "leave out";

interface Step {
  readonly entry: Entry;
  readonly state: JepsenValue;
  readonly choice: Choice;
}

export interface CheckerOptions {
  /**
   * Whether a `:write` or `:cas` may take effect more than once during its call. A store that repeats a request after a
   * lost answer permits this.
   */
  readonly repeats: boolean;
}

/** Returns the keys of a history whose results no order of the operations explains. Each key is a separate register. */
export function unexplainedKeys(events: readonly JepsenEvent[], options: CheckerOptions): string[] {
  const keys = [...new Set(events.map(({ key }) => key))];
  return keys
    .filter(
      (name) =>
        !isLinearizable(
          events.filter(({ key }) => key === name),
          options,
        ),
    )
    .sort();
}

function isLinearizable(events: readonly JepsenEvent[], { repeats }: CheckerOptions): boolean {
  const head = listOf(events);
  const steps: Step[] = [];
  const known = new Set<string>();
  let state: JepsenValue = null;
  let done = 0n;
  const isNew = (bits: bigint, value: JepsenValue): boolean => {
    const size = known.size;
    return known.add(`${bits} ${typeof value} ${value}`).size > size;
  };
  const step = (entry: Entry, value: JepsenValue, choice: Choice): Entry | undefined => {
    steps.push({ entry, state, choice });
    state = value;
    if (choice === "again") return head.next;
    done |= entry.operation.bit;
    lift(entry);
    return head.next;
  };
  let entry = head.next;
  // Only operations that may take effect later, or never, remain when the list has no end of another operation.
  while (entry !== undefined) {
    const { operation } = entry;
    const { bit } = operation;
    if (!entry.isEnd) {
      const value = stateAfter(operation, state);
      if (value !== undefined && isNew(done | bit, value)) entry = step(entry, value, "apply");
      else if (value !== undefined && repeats && isRepeatable(operation) && isNew(done, value))
        entry = step(entry, value, "again");
      else entry = entry.next;
      continue;
    }
    if (operation.isOptional && isNew(done | bit, state)) {
      entry = step(beginningOf(entry, head), state, "leave out");
      continue;
    }
    let last = steps.pop();
    for (; last !== undefined; last = steps.pop()) {
      state = last.state;
      if (last.choice === "again") break;
      done &= ~last.entry.operation.bit;
      unlift(last.entry);
      if (last.choice === "apply") break;
    }
    if (last === undefined) return false;
    // After `apply`, the search tries `again` for the same operation.
    entry = last.choice === "apply" ? last.entry : last.entry.next;
  }
  return true;
}

function isRepeatable({ f }: Operation): boolean {
  return f === "write" || f === "cas";
}

/** Returns the state after an operation, or `undefined` if the operation cannot have its result in this state. */
function stateAfter({ f, value }: Operation, state: JepsenValue): JepsenValue | undefined {
  const [first, second] = Array.isArray(value) ? value : [value, null];
  if (f === "write") return first;
  if (f === "cas") return state === first ? second : undefined;
  if (f === "read") return state === first ? state : undefined;
  if (f === "exists") return state === null ? undefined : state;
  if (state !== null && typeof state !== "bigint") return undefined;
  const sum = (state ?? 0n) + first;
  return second === null || second === sum ? sum : undefined;
}

function listOf(events: readonly JepsenEvent[]): Entry {
  const head = { isEnd: false, end: undefined, previous: undefined, next: undefined } as unknown as Entry;
  const open = new Map<bigint, Entry>();
  const failed = new Set<Entry>();
  let last = head;
  let operations = 0n;
  for (const { process, type, f, value, isFenced } of events) {
    const beginning = open.get(process);
    if (type === "invoke") {
      const operation = { f, value, isOptional: true, bit: 1n << operations++ };
      last = append(last, { operation, isEnd: false, end: undefined, previous: undefined, next: undefined });
      open.set(process, last);
      continue;
    }
    if (beginning === undefined) throw new Error(`process ${process} ends a call that it did not begin`);
    open.delete(process);
    if (type === "fail") failed.add(beginning);
    if (type === "fail" || (type === "info" && !isFenced)) continue;
    const { operation } = beginning;
    operation.isOptional = type === "info";
    operation.value = value;
    last = append(last, { operation, isEnd: true, end: undefined, previous: undefined, next: undefined });
    beginning.end = last;
  }
  for (const entry of failed) lift(entry);
  return head;
}

function append(last: Entry, entry: Entry): Entry {
  entry.previous = last;
  last.next = entry;
  return entry;
}

function beginningOf(end: Entry, head: Entry): Entry {
  let entry = head.next;
  while (entry !== undefined && entry.end !== end) entry = entry.next;
  if (entry === undefined) throw new Error("an operation ends before it begins");
  return entry;
}

/** Removes an operation from the list. */
function lift(entry: Entry): void {
  for (const one of [entry, entry.end]) {
    if (one === undefined) continue;
    if (one.previous !== undefined) one.previous.next = one.next;
    if (one.next !== undefined) one.next.previous = one.previous;
  }
}

/** Puts an operation back where it was: the reverse of the last `lift`. */
function unlift(entry: Entry): void {
  for (const one of [entry.end, entry]) {
    if (one === undefined) continue;
    if (one.previous !== undefined) one.previous.next = one;
    if (one.next !== undefined) one.next.previous = one;
  }
}
