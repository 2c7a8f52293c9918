import assert from "node:assert/strict";
import { nameOf } from "../support/round-trip.js";

/** A value as the model compares it; `undefined` for a missing key. */
export type ModelValue = string | undefined;

/**
 * What a bucket may hold. A key has one possible value, but for a key that several calls wrote at the same time: that
 * has one for each of them, until a read tells which it was.
 */
export class Model {
  readonly #values: Map<string, ReadonlySet<ModelValue>> = new Map();

  /** What a read of a key may give now. */
  possible(key: string): ReadonlySet<ModelValue> {
    return this.#values.get(key) ?? missing;
  }

  /** A read that met no write gave this: no other value is possible from now on. */
  observe(key: string, value: ModelValue): void {
    const possible = this.possible(key);
    assert.ok(possible.has(value), told(key, value, possible));
    this.#values.set(key, new Set([value]));
  }

  /** A read at the same time as `writes` of the same key gave this. */
  observeBeside(key: string, value: ModelValue, writes: readonly ModelValue[]): void {
    const possible = new Set([...this.possible(key), ...writes]);
    assert.ok(possible.has(value), told(key, value, possible));
  }

  /** Calls that all have resolved wrote these values, in any order. */
  write(key: string, values: readonly ModelValue[]): void {
    this.#values.set(key, new Set(values));
  }
}

const missing: ReadonlySet<ModelValue> = new Set([undefined]);

function told(key: string, value: ModelValue, possible: ReadonlySet<ModelValue>): string {
  const shown = (one: ModelValue): string => (one === undefined ? "missing" : one.slice(0, 20));
  return `the key ${nameOf(key)} is ${shown(value)}, and should be ${[...possible].map(shown).join(" or ")}`;
}
