/** What cases are grouped by, with the heading of each group. */
export const rules = {
  S1: "keys",
  S2: "values",
  S3: "the whole batch is checked first",
  S4: "answers in the order of the keys",
  S5: "of a key that comes twice the last value wins",
  S6: "an empty batch sends nothing",
  S7: "read your writes",
  S8: "no atomicity across keys, each key whole",
  S9: "the outcome of every key is true",
  S10: "an error is never a missing key",
  S11: "deadlines and cancellation",
  S12: "batches of any size",
  S13: "buckets are separate",
  S14: "listing",
  S15: "lowered limits",
  S16: "closing",
  errors: "errors tell what to do and nothing more",
  driver: "the driver interface",
} as const;

export type Rule = keyof typeof rules;
