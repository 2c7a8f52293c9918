import type { StoreOptions } from "@manykv/core";
import type { Driver } from "@manykv/core/driver";
import type { Canary } from "./find-leaks.js";

/** One way to an error: a store that fails, and the codes that its calls may fail with. */
export interface Provocation {
  readonly name: string;
  /** A driver that fails, or an error that opening it threw. */
  driver(): Driver | Promise<Driver>;
  readonly options?: StoreOptions;
  /** Before the calls: breaks what has to be broken. */
  before?(): Promise<void>;
  readonly after?: () => Promise<void>;
}

/** Distinct from anything else, and long enough not to be found by chance. */
export const password = "Canary-Pass-7Q2xV9kLmZ";
export const value = "Canary-Value-4Hn8Rw3TbY-Canary-Value";

export const canaries: readonly Canary[] = [
  { name: "the password", text: password },
  { name: "a value", text: value },
];
