import type { CaseResult, SuiteResult } from "../../src/index.js";

/** Text that would end an element, an attribute, a script or a comment, or that XML cannot represent. */
export const hostile = `</pre></dialog></script></style>"'<img src=x onerror="alert(1)">&amp;]]>--><!--\u0000\u0007\ud800\ufffe\r\n\u2028é😀`;

const about = { seed: 4711, subject: "driver", level: "batch", milliseconds: 1234 } as const;

const results: readonly CaseResult[] = [
  { ...about, id: "s04-order-of-keys", rule: "S4", title: "returns results in order", status: "passed" },
  {
    ...about,
    id: "s04-missing-keys",
    rule: "S4",
    title: hostile,
    status: "failed",
    failure: {
      phase: "run",
      error: new Error(hostile),
      message: `Error: ${hostile}`,
      stack: `    at ${hostile}`,
      cause: [`TypeError: ${hostile}`],
      requests: [`get ${hostile}`, "set 1 key: done"],
      fault: `the response was lost: ${hostile}`,
    },
  },
  {
    ...about,
    id: "s09-network-late-write",
    rule: "S9",
    subject: "network",
    level: "outcomes",
    title: "settles a late write",
    status: "skipped",
    skip: "asked",
    reason: hostile,
  },
  { ...about, id: "driver-smoke", rule: "driver", title: "works at all", status: "passed" },
];

/** A result with a passed, a failed and a skipped case. Wherever text may come from others, it is hostile. */
export const sampleResult: SuiteResult = {
  backend: `sample ${hostile}`,
  server: `engine 1.0 ${hostile}`,
  seed: 4711,
  startedAt: "2031-05-06T07:08:09.123Z",
  milliseconds: 61_234,
  results,
  counts: { passed: 2, failed: 1, skipped: 1 },
  complete: true,
  failedCleanups: 0,
  unhandled: [`Error: ${hostile}`],
  levels: { batch: "failed", outcomes: "failed", abilities: "failed" },
};
