import type { Observation } from "./history.js";
import type { KeyWrite, Span } from "./key-history.js";

/** The state of a key: what a complete read sees, and when the key expires. */
export interface KeyState {
  readonly value: Exclude<Observation, "present" | "torn">;
  readonly expiry: Span | undefined;
}

export const missing: KeyState = { value: "missing", expiry: undefined };

/** Returns the state after a write, or `undefined` if the write is impossible in this state. */
export function stateAfter({ record, expiry }: KeyWrite, state: KeyState): KeyState | undefined {
  const { kind, expected, write, delta = 0n, result } = record;
  const { value } = state;
  if (kind === "increment") {
    if (typeof value === "number") return undefined;
    const sum = (value === "missing" ? 0n : value) + delta;
    if (result !== undefined && result !== sum) return undefined;
    return { value: sum, expiry: value === "missing" ? expiry : state.expiry };
  }
  if (expected !== undefined && !sees(expected, state)) return undefined;
  if (kind === "delete") return missing;
  // A swap keeps the expiry. Without a condition, a write removes it.
  return { value: write, expiry: expected === undefined ? expiry : (expiry ?? state.expiry) };
}

/** Returns whether a read in this state sees `saw`. */
export function sees(saw: Observation, { value }: KeyState): boolean {
  return saw === "present" ? value !== "missing" : saw === value;
}
