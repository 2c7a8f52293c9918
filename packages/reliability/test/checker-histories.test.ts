import { checkHistory, History, identify, uniqueValue, type WriteRecord } from "@manykv/conformance/checker";
import { describe, expect, test } from "vitest";

type Outcome = WriteRecord["outcome"];

/** A history of one key with given times. */
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
  ["a write and a read", [], (s) => s.read(3, 4, s.set(1, 2))],
  ["a read before anything is written", [], (s) => s.read(1, 2, "missing")],
  [
    "a read beside a write sees before or after",
    [],
    (s) => {
      const write = s.set(1, 10);
      s.read(2, 3, "missing");
      s.read(4, 5, write);
    },
  ],
  [
    "a read goes back beside a write",
    [],
    (s) => {
      // The lost request took effect, another write came, then the repeated request took effect.
      const first = s.set(1, 20);
      const second = s.set(5, 6);
      s.read(2, 3, first);
      s.read(8, 9, second);
      s.read(21, 22, first);
    },
  ],
  [
    "a repeated write lands on both sides of a delete",
    [],
    (s) => {
      const write = s.set(9, 24);
      s.delete(18, 32);
      s.read(1, 17, "present");
      s.read(29, 30, write);
      s.read(37, 38, write);
    },
  ],
  ["an unknown write that is there", [], (s) => s.read(3, 4, s.set(1, 2, "unknown"))],
  [
    "an unknown write that is not there",
    [],
    (s) => {
      s.set(1, 2, "unknown");
      s.read(3, 4, "missing");
    },
  ],
  [
    "a late write over a newer one, where nothing can be settled",
    [],
    (s) => {
      const late = s.set(1, 2, "unknown");
      late.late = true;
      s.set(3, 4);
      s.read(5, 6, late);
    },
  ],
  [
    "a late write over a newer one",
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
    "a key is called applied and is not",
    ["false-applied"],
    (s) => {
      s.set(1, 2, "applied", false);
      s.read(3, 4, "missing");
    },
  ],
  ["a key is called not applied and is there", ["false-not-applied"], (s) => s.read(3, 4, s.set(1, 2, "not-applied"))],
  [
    "a delete is called not applied and is done",
    ["false-not-applied"],
    (s) => {
      s.set(1, 2);
      s.delete(3, 4, "not-applied");
      s.read(5, 6, "missing");
    },
  ],
  [
    "a read misses a write, a later one sees it",
    ["false-missing"],
    (s) => {
      const write = s.set(1, 2);
      s.read(3, 4, "missing");
      s.read(5, 6, write);
    },
  ],
  [
    "a read sees an older write, a later one the newer",
    ["stale-read"],
    (s) => {
      const older = s.set(1, 2);
      const newer = s.set(3, 4);
      s.read(5, 6, older);
      s.read(7, 8, newer);
    },
  ],
  ["a value from the future", ["unwritten-value"], (s) => s.read(1, 2, s.set(3, 4))],
  ["a value that is not whole", ["torn-value"], (s) => s.read(1, 2, "torn")],
  ["something is listed that was never written", ["unwritten-value"], (s) => s.read(1, 2, "present")],
  [
    "two writes side by side that change places twice",
    ["impossible-order"],
    (s) => {
      const first = s.set(1, 4);
      const second = s.set(2, 5);
      s.read(6, 7, first);
      s.read(8, 9, second);
    },
  ],
  ["a call that never settles", ["unsettled"], (s) => s.set(1, Number.POSITIVE_INFINITY, "unknown")],
];

describe("the checker", () => {
  test.each(stories)("%s: %j", (_, kinds, tell) => {
    const story = new Story();
    tell(story);
    expect(story.kinds()).toEqual(kinds);
  });

  test("a value identifies its write, and any change to it is noticed", () => {
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
});
