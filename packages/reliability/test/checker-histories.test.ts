import { checkHistory, History, identify, uniqueValue, type WriteRecord } from "@manykv/conformance/checker";
import { describe, expect, test } from "vitest";

type Outcome = WriteRecord["outcome"];

/** Builds the history of one key. The tests set the times. */
class Story {
  readonly history: History = new History();

  set(start: number, end: number, outcome: Outcome = "applied", resolved = outcome === "applied"): WriteRecord {
    return this.#write("set", start, end, outcome, resolved);
  }

  delete(start: number, end: number, outcome: Outcome = "applied"): WriteRecord {
    return this.#write("delete", start, end, outcome, outcome === "applied");
  }

  read(start: number, end: number, saw: WriteRecord | "missing" | "present" | "torn"): void {
    this.history.addRead("reader", "key", start, end, typeof saw === "string" ? saw : saw.write);
  }

  kinds(): string[] {
    return [...new Set(checkHistory(this.history).anomalies.map(({ kind }) => kind))];
  }

  #write(kind: "set" | "delete", start: number, end: number, outcome: Outcome, resolved: boolean): WriteRecord {
    return Object.assign(this.history.beginWrite("writer", "key", kind, start), { end, outcome, resolved });
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

describe("the checker", () => {
  test.each(stories)("%s: finds %j", (_, kinds, tell) => {
    const story = new Story();
    tell(story);
    expect(story.kinds()).toEqual(kinds);
  });

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
