/** The rules that the cases test, each with its heading. `docs/semantics.md` in the repository explains them. */
export const rules = {
  S1: "keys",
  S2: "values",
  S3: "the whole batch is validated first",
  S4: "results in the order of the keys",
  S5: "the last value of a duplicate key wins",
  S6: "an empty batch sends nothing",
  S7: "read your writes",
  S8: "no atomicity across keys, but each value is complete",
  S9: "the reported outcome of every key is true",
  S10: "a failed read is never reported as a missing key",
  S11: "deadlines and cancellation",
  S12: "batches of any size",
  S13: "buckets are separate",
  S14: "listing",
  S15: "options and limits",
  S16: "closing",
  S17: "expiry",
  S18: "set if absent",
  S19: "increments",
  S20: "an increment is never repeated blindly",
  S21: "compare and swap",
  S22: "what a backend cannot do is unsupported",
  same: "what else is the same on every backend",
  errors: "errors say what to do and contain no key, value or secret",
  driver: "the driver interface",
} as const;

/** The id of a rule, such as `S1` or `errors`. */
export type Rule = keyof typeof rules;
