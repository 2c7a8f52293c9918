import assert from "node:assert/strict";
import { nameOf } from "../support/round-trip.js";

/** A value as text, or `undefined` for a missing key. */
export type ModelValue = string | undefined;

/**
 * A model of the values that a bucket may contain. A key has one possible value. If concurrent calls wrote the key,
 * each of their values is possible until a read shows which call won.
 */
export class Model {
  readonly #values: Map<string, ReadonlySet<ModelValue>> = new Map();

  /** Returns the values that a read of the key may return. */
  possible(key: string): ReadonlySet<ModelValue> {
    return this.#values.get(key) ?? missing;
  }

  /**
   * Records the result of a read without a concurrent write. Afterwards, only this value is possible. Throws if the
   * value was not possible.
   */
  observe(key: string, value: ModelValue): void {
    const possible = this.possible(key);
    assert.ok(possible.has(value), told(key, value, possible));
    this.#values.set(key, new Set([value]));
  }

  /**
   * Checks the result of a read that was concurrent with `writes` of the same key. Throws if the value was not
   * possible.
   */
  observeBeside(key: string, value: ModelValue, writes: readonly ModelValue[]): void {
    const possible = new Set([...this.possible(key), ...writes]);
    assert.ok(possible.has(value), told(key, value, possible));
  }

  /** Records the values that concurrent calls wrote, in any order. Afterwards, only these values are possible. */
  write(key: string, values: readonly ModelValue[]): void {
    this.#values.set(key, new Set(values));
  }
}

const missing: ReadonlySet<ModelValue> = new Set([undefined]);

function told(key: string, value: ModelValue, possible: ReadonlySet<ModelValue>): string {
  const shown = (one: ModelValue): string => (one === undefined ? "missing" : one.slice(0, 20));
  return `the key ${nameOf(key)} is ${shown(value)}, but must be ${[...possible].map(shown).join(" or ")}`;
}
