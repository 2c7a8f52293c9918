import { checkHistory, toJepsen } from "@manykv/conformance/checker";
import { describe, expect, test } from "vitest";
import { unexplainedKeys } from "./linearizability/is-linearizable.js";
import { type Defect, defects, randomHistory } from "./linearizability/random-history.js";
import { readJepsen } from "./linearizability/read-jepsen.js";

interface Verdicts {
  /** The keys that the checker of `@manykv/conformance/checker` rejects. */
  readonly ours: readonly string[];
  /** The keys that the second checker rejects if a store may repeat a write during its call, as core does. */
  readonly second: readonly string[];
  /** The keys that the second checker rejects if each write takes effect once. */
  readonly strict: readonly string[];
}

function verdictsOf(seed: number, defect?: Defect): Verdicts {
  const history = randomHistory(seed, defect);
  const { anomalies, undecided } = checkHistory(history);
  expect(undecided, `seed ${seed}`).toEqual([]);
  const events = readJepsen(toJepsen(history));
  return {
    ours: [...new Set(anomalies.map(({ key = "" }) => key))].sort(),
    second: unexplainedKeys(events, { repeats: true }),
    strict: unexplainedKeys(events, { repeats: false }),
  };
}

describe("a second checker, which reads Jepsen's format, agrees with ours", () => {
  test("500 histories of a correct store: both accept each key", () => {
    for (let seed = 1; seed <= 500; seed++)
      expect(verdictsOf(seed), `seed ${seed}`).toEqual({ ours: [], second: [], strict: [] });
  });

  test.each(defects)("72 histories of a store that %s: both reject the same keys", (defect) => {
    let rejected = 0;
    for (let seed = 1; seed <= 72; seed++) {
      const { ours, second, strict } = verdictsOf(seed, defect);
      expect(ours, `seed ${seed}`).toEqual(second);
      expect(strict, `seed ${seed}`).toEqual(expect.arrayContaining([...ours]));
      if (ours.length > 0) rejected++;
    }
    // In the other histories, no client was able to see the defect.
    expect(rejected).toBeGreaterThanOrEqual(24);
  });
});
