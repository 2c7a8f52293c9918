import type { StoreOptions } from "@manykv/core";
import type { Driver } from "@manykv/core/driver";
import type { Canary } from "./find-leaks.js";

/** One way to provoke errors. */
export interface Provocation {
  readonly name: string;
  /** Returns a driver whose calls fail. This method may itself throw the error under test. */
  driver(): Driver | Promise<Driver>;
  readonly options?: StoreOptions;
  /** Runs before the calls. */
  before?(): Promise<void>;
  readonly after?: () => Promise<void>;
}

/** A password that is too unusual to appear in an error by chance. */
export const password = "Canary-Pass-7Q2xV9kLmZ";
export const value = "Canary-Value-4Hn8Rw3TbY-Canary-Value";

export const canaries: readonly Canary[] = [
  { name: "the password", text: password },
  { name: "a value", text: value },
];
