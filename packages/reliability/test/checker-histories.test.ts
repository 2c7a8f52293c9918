import {
  checkHistory,
  History,
  identify,
  type Observation,
  uniqueValue,
  type WriteDetails,
  type WriteKind,
  type WriteRecord,
} from "@manykv/conformance/checker";
import { describe, expect, test } from "vitest";

type Outcome = WriteRecord["outcome"];

/** Builds the history of one key. The tests set the times. One step takes 10 ms. */
class Story {
  #milliseconds = 0;
  readonly history: History = new History(() => {
    this.#milliseconds += 10;
    return this.#milliseconds;
  });

  constructor() {
    for (let step = 0; step < 100; step++) this.history.tick();
  }

  set(start: number, end: number, outcome: Outcome = "applied", resolved = outcome === "applied"): WriteRecord {
    return this.#write("set", start, end, outcome, resolved);
  }

  delete(start: number, end: number, outcome: Outcome = "applied"): WriteRecord {
    return this.#write("delete", start, end, outcome, outcome === "applied");
  }

  /** A set of a key that expires `steps` steps later. The checker allows for clocks that differ by 2 steps. */
  setFor(steps: number, start: number, end: number, outcome: Outcome = "applied"): WriteRecord {
    return this.#write("set", start, end, outcome, outcome === "applied", { ttl: steps * 10 });
  }

  setIfAbsent(start: number, end: number, outcome: Outcome = "applied"): WriteRecord {
    return this.#write("set", start, end, outcome, outcome === "applied", { expected: "missing" });
  }

  swap(from: WriteRecord, start: number, end: number, outcome: Outcome = "applied"): WriteRecord {
    return this.#write("set", start, end, outcome, true, { expected: from.write });
  }

  swapForNothing(from: WriteRecord, start: number, end: number, outcome: Outcome = "applied"): WriteRecord {
    return this.#write("delete", start, end, outcome, true, { expected: from.write });
  }

  increment(start: number, end: number, result: bigint, details: WriteDetails = {}): WriteRecord {
    const record = this.#write("increment", start, end, "applied", true, { delta: 1n, ...details });
    return Object.assign(record, { result });
  }

  failedIncrement(start: number, end: number, outcome: "not-applied" | "unknown"): WriteRecord {
    return this.#write("increment", start, end, outcome, false, { delta: 1n });
  }

  read(start: number, end: number, saw: WriteRecord | Exclude<Observation, number>): void {
    this.history.addRead("reader", "key", start, end, typeof saw === "object" ? saw.write : saw);
  }

  kinds(): string[] {
    return [...new Set(checkHistory(this.history).anomalies.map(({ kind }) => kind))];
  }

  #write(
    kind: WriteKind,
    start: number,
    end: number,
    outcome: Outcome,
    resolved: boolean,
    details?: WriteDetails,
  ): WriteRecord {
    return Object.assign(this.history.beginWrite("writer", "key", kind, start, details), { end, outcome, resolved });
  }
}

const stories: readonly [name: string, kinds: readonly string[], tell: (story: Story) => void][] = [
  ["a read sees the write before it", [], (s) => s.read(3, 4, s.set(1, 2))],
  ["a read before the first write sees a missing key", [], (s) => s.read(1, 2, "missing")],
  [
    "a read during a write sees the state before or after the write",
    [],
    (s) => {
      const write = s.set(1, 10);
      s.read(2, 3, "missing");
      s.read(4, 5, write);
    },
  ],
  [
    "a repeated write takes effect after a newer write",
    [],
    (s) => {
      // The first request took effect, then the second write, and then the repetition of the first request.
      const first = s.set(1, 20);
      const second = s.set(5, 6);
      s.read(2, 3, first);
      s.read(8, 9, second);
      s.read(21, 22, first);
    },
  ],
  [
    "a repeated write takes effect before and after a delete",
    [],
    (s) => {
      const write = s.set(9, 24);
      s.delete(18, 32);
      s.read(1, 17, "present");
      s.read(29, 30, write);
      s.read(37, 38, write);
    },
  ],
  ["an unknown write took effect", [], (s) => s.read(3, 4, s.set(1, 2, "unknown"))],
  [
    "an unknown write did not take effect",
    [],
    (s) => {
      s.set(1, 2, "unknown");
      s.read(3, 4, "missing");
    },
  ],
  [
    "a late write overwrites a newer write, but could not be settled",
    [],
    (s) => {
      const late = s.set(1, 2, "unknown");
      late.late = true;
      s.set(3, 4);
      s.read(5, 6, late);
    },
  ],
  [
    "a late write overwrites a newer write",
    ["stale-overwrite"],
    (s) => {
      const late = s.set(1, 2, "unknown");
      s.set(3, 4);
      s.read(5, 6, late);
    },
  ],
  [
    "an acknowledged write is lost",
    ["lost-write"],
    (s) => {
      s.set(1, 2);
      s.read(3, 4, "missing");
    },
  ],
  [
    "an acknowledged delete is lost",
    ["lost-write"],
    (s) => {
      const write = s.set(1, 2);
      s.delete(3, 4);
      s.read(5, 6, write);
    },
  ],
  [
    "a write is reported as applied, but is missing",
    ["false-applied"],
    (s) => {
      s.set(1, 2, "applied", false);
      s.read(3, 4, "missing");
    },
  ],
  [
    "a write is reported as not applied, but took effect",
    ["false-not-applied"],
    (s) => s.read(3, 4, s.set(1, 2, "not-applied")),
  ],
  [
    "a delete is reported as not applied, but took effect",
    ["false-not-applied"],
    (s) => {
      s.set(1, 2);
      s.delete(3, 4, "not-applied");
      s.read(5, 6, "missing");
    },
  ],
  [
    "a read misses a write that a later read sees",
    ["false-missing"],
    (s) => {
      const write = s.set(1, 2);
      s.read(3, 4, "missing");
      s.read(5, 6, write);
    },
  ],
  [
    "a read sees an older write, and a later read sees the newer write",
    ["stale-read"],
    (s) => {
      const older = s.set(1, 2);
      const newer = s.set(3, 4);
      s.read(5, 6, older);
      s.read(7, 8, newer);
    },
  ],
  ["a read sees a value before it is written", ["unwritten-value"], (s) => s.read(1, 2, s.set(3, 4))],
  ["a read sees a damaged value", ["torn-value"], (s) => s.read(1, 2, "torn")],
  ["a listing contains a key that was never written", ["unwritten-value"], (s) => s.read(1, 2, "present")],
  [
    "the value changes after both writes have ended",
    ["impossible-order"],
    (s) => {
      const first = s.set(1, 4);
      const second = s.set(2, 5);
      s.read(6, 7, first);
      s.read(8, 9, second);
    },
  ],
  ["a call never settles", ["unsettled"], (s) => s.set(1, Number.POSITIVE_INFINITY, "unknown")],
];

const conditionalStories: typeof stories = [
  [
    "`ifAbsent` creates a key, and another one finds it",
    [],
    (s) => {
      const created = s.setIfAbsent(1, 4);
      s.setIfAbsent(2, 5, "not-applied");
      s.read(2, 5, "present");
      s.read(6, 7, created);
    },
  ],
  [
    "`ifAbsent` creates a key again after a delete",
    [],
    (s) => {
      s.setIfAbsent(1, 2);
      s.delete(3, 6);
      s.read(7, 8, s.setIfAbsent(4, 5));
    },
  ],
  [
    "`ifAbsent` overwrites a key",
    ["false-condition"],
    (s) => {
      s.set(1, 2);
      s.read(5, 6, s.setIfAbsent(3, 4));
    },
  ],
  [
    "two calls with `ifAbsent` create one key",
    ["impossible-order"],
    (s) => {
      s.setIfAbsent(1, 4);
      s.setIfAbsent(2, 5);
    },
  ],
  [
    "`ifAbsent` finds a key that no client wrote",
    ["false-not-applied"],
    (s) => {
      s.setIfAbsent(1, 2, "not-applied");
      s.read(1, 2, "present");
      s.set(3, 4);
    },
  ],
  [
    "`ifAbsent` reports a key as found that it created",
    ["false-not-applied"],
    (s) => s.read(3, 4, s.setIfAbsent(1, 2, "not-applied")),
  ],
  [
    "swaps form a chain",
    [],
    (s) => {
      const first = s.set(1, 2);
      const third = s.swap(s.swap(first, 3, 6), 4, 7);
      s.read(8, 9, third);
      s.swapForNothing(third, 10, 11);
      s.read(12, 13, "missing");
    },
  ],
  [
    "an unknown swap took effect before another one",
    [],
    (s) => {
      const unknown = s.swap(s.set(1, 2), 3, 4, "unknown");
      s.read(7, 8, s.swap(unknown, 5, 6));
    },
  ],
  [
    "two swaps replace the same value",
    ["impossible-order"],
    (s) => {
      const first = s.set(1, 2);
      s.swap(first, 3, 6);
      s.read(8, 9, s.swap(first, 4, 7));
    },
  ],
  [
    "a swap replaces a value that is gone",
    ["false-condition"],
    (s) => {
      const first = s.set(1, 2);
      s.set(3, 4);
      s.read(7, 8, s.swap(first, 5, 6));
    },
  ],
  [
    "a swap is reported as lost, but took effect",
    ["false-not-applied"],
    (s) => {
      const first = s.set(1, 2);
      s.read(5, 6, s.swap(first, 3, 4, "not-applied"));
    },
  ],
  [
    "a swap is reported, but its value is lost",
    ["lost-write"],
    (s) => {
      const first = s.set(1, 2);
      s.swap(first, 3, 4);
      s.read(5, 6, first);
    },
  ],
];

const incrementStories: typeof stories = [
  [
    "concurrent increments have different results",
    [],
    (s) => {
      s.increment(1, 10, 2n);
      s.increment(2, 9, 1n);
      s.increment(3, 8, 3n);
      s.read(11, 12, 3n);
    },
  ],
  [
    "an unknown increment is counted",
    [],
    (s) => {
      s.failedIncrement(1, 2, "unknown");
      s.increment(3, 4, 2n);
    },
  ],
  [
    "an unknown increment is not counted",
    [],
    (s) => {
      s.failedIncrement(1, 2, "unknown");
      s.increment(3, 4, 1n);
    },
  ],
  [
    "an unknown increment is counted later, but could not be settled",
    [],
    (s) => {
      s.failedIncrement(1, 2, "unknown").late = true;
      s.increment(3, 4, 1n);
      s.read(5, 6, 2n);
    },
  ],
  [
    "an unknown increment is counted later",
    ["stale-overwrite"],
    (s) => {
      s.failedIncrement(1, 2, "unknown");
      s.increment(3, 4, 1n);
      s.read(5, 6, 2n);
    },
  ],
  [
    "an unknown increment is counted twice",
    ["impossible-order"],
    (s) => {
      s.failedIncrement(1, 2, "unknown");
      s.read(3, 4, 2n);
    },
  ],
  [
    "an increment is counted twice",
    ["unwritten-value"],
    (s) => {
      s.increment(1, 2, 1n);
      s.read(3, 4, 2n);
    },
  ],
  ["an increment returns a result that counts it twice", ["impossible-order"], (s) => s.increment(1, 2, 2n)],
  [
    "an increment is reported as not applied, but is counted",
    ["impossible-order"],
    (s) => {
      s.failedIncrement(1, 2, "not-applied");
      s.increment(3, 4, 2n);
    },
  ],
  [
    "two increments return the same result",
    ["impossible-order"],
    (s) => {
      s.increment(1, 4, 1n);
      s.increment(2, 5, 1n);
    },
  ],
  [
    "an increment is lost",
    ["lost-write"],
    (s) => {
      s.increment(1, 2, 1n);
      s.increment(3, 4, 2n);
      s.read(5, 6, 1n);
    },
  ],
  [
    "increments count from 0 after a delete, and swaps replace a counter",
    [],
    (s) => {
      s.increment(1, 2, 1n);
      s.delete(3, 4);
      s.increment(5, 6, 1n);
      const counter = Object.assign(s.history.beginWrite("writer", "key", "delete", 7, { expected: 1n }), { end: 8 });
      Object.assign(counter, { outcome: "applied", resolved: true });
      s.read(9, 10, "missing");
    },
  ],
];

const expiryStories: typeof stories = [
  [
    "a key expires",
    [],
    (s) => {
      const write = s.setFor(10, 1, 2);
      s.read(9, 10, write);
      s.read(11, 12, write);
      s.read(13, 14, "missing");
      s.read(30, 31, s.setIfAbsent(28, 29));
    },
  ],
  [
    "a set without `ttl` removes an expiry",
    [],
    (s) => {
      s.setFor(10, 1, 2);
      s.read(30, 31, s.set(3, 4));
    },
  ],
  [
    "a swap keeps the expiry, an increment too",
    [],
    (s) => {
      const swapped = s.swap(s.setFor(20, 1, 2), 3, 4);
      s.read(6, 7, swapped);
      s.read(40, 41, "missing");
      s.increment(42, 43, 1n, { ttl: 200 });
      s.increment(44, 45, 2n);
      s.increment(80, 81, 1n);
    },
  ],
  [
    "a key is missing before its time",
    ["wrong-expiry"],
    (s) => {
      s.read(3, 4, s.setFor(20, 1, 2));
      s.read(10, 11, "missing");
    },
  ],
  [
    "a key is never there",
    ["lost-write"],
    (s) => {
      s.setFor(20, 1, 2);
      s.read(10, 11, "missing");
    },
  ],
  ["a key is present after its time", ["wrong-expiry"], (s) => s.read(30, 31, s.setFor(20, 1, 2))],
  [
    "a swapped key is present after its time",
    ["impossible-order"],
    (s) => s.read(50, 51, s.swap(s.setFor(20, 1, 2), 3, 4)),
  ],
  [
    "a counter is present after its time",
    ["impossible-order"],
    (s) => {
      s.increment(1, 2, 1n, { ttl: 200 });
      s.read(50, 51, 1n);
    },
  ],
  [
    "a key comes back after it has expired",
    ["wrong-expiry"],
    (s) => {
      const write = s.setFor(20, 1, 2);
      s.read(21, 22, "missing");
      s.read(27, 28, write);
    },
  ],
  [
    "a repeated write starts the time again",
    [],
    (s) => {
      const write = s.setFor(20, 1, 20);
      s.read(30, 31, write);
      s.read(50, 51, "missing");
    },
  ],
];

describe("the checker", () => {
  test.each([...stories, ...conditionalStories, ...incrementStories, ...expiryStories])(
    "%s: finds %j",
    (_, kinds, tell) => {
      const story = new Story();
      tell(story);
      expect(story.kinds()).toEqual(kinds);
    },
  );

  test("a value identifies its write, and identify detects any change of the value", () => {
    for (const size of [0, 12, 13, 100]) {
      const value = uniqueValue(7, size);
      expect(identify(value)).toBe(7);
      for (let place = 0; place < value.length; place++) {
        const changed = value.slice();
        changed[place] = (changed[place] as number) ^ 1;
        expect(identify(changed), `byte ${place} of ${size}`).not.toBe(7);
      }
      expect(identify(value.slice(0, -1))).toBe("torn");
      expect(identify(Uint8Array.of(...value, 0))).toBe("torn");
    }
  });

  test("the beginning of one value and the end of another are torn", () => {
    for (let write = 0; write < 100; write++) {
      const [value, next] = [uniqueValue(write, 100), uniqueValue(write + 1, 100)];
      const mixed = Uint8Array.of(...value.subarray(0, 12), ...next.subarray(12));
      expect(identify(mixed), `write ${write}`).toBe("torn");
    }
  });
});
