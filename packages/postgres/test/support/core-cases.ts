import { cases } from "@manykv/conformance";

/** Skips the cases about core. Core is the same in each configuration, so `conformance.test.ts` runs them. */
export const coreCases: Readonly<Record<string, string>> = Object.fromEntries(
  cases.filter(({ subject }) => subject === "core").map(({ id }) => [id, "conformance.test.ts runs it"]),
);
