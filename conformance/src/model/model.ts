import assert from "node:assert/strict";
import { nameOf } from "../support/round-trip.js";

/** A value as the model compares it. `undefined`: a missing key. */
export type ModelValue = string | undefined;

/**
 * What a bucket may contain. A key has one possible value, unless concurrent calls wrote it: then any of their values is
 * possible until a read shows which one won.
 */
export class Model {
  readonly #values: Map<string, ReadonlySet<ModelValue>> = new Map();

  /** Returns what a read of a key may return now. */
  possible(key: string): ReadonlySet<ModelValue> {
    return this.#values.get(key) ?? missing;
  }

  /** Records a read without a concurrent write. From now on no other value is possible. */
  observe(key: string, value: ModelValue): void {
    const possible = this.possible(key);
    assert.ok(possible.has(value), told(key, value, possible));
    this.#values.set(key, new Set([value]));
  }

  /** Records a read that was concurrent with `writes` of the same key. */
  observeBeside(key: string, value: ModelValue, writes: readonly ModelValue[]): void {
    const possible = new Set([...this.possible(key), ...writes]);
    assert.ok(possible.has(value), told(key, value, possible));
  }

  /** Records the values that resolved calls wrote, in any order. */
  write(key: string, values: readonly ModelValue[]): void {
    this.#values.set(key, new Set(values));
  }
}

const missing: ReadonlySet<ModelValue> = new Set([undefined]);

function told(key: string, value: ModelValue, possible: ReadonlySet<ModelValue>): string {
  const shown = (one: ModelValue): string => (one === undefined ? "missing" : one.slice(0, 20));
  return `the key ${nameOf(key)} is ${shown(value)}, but should be ${[...possible].map(shown).join(" or ")}`;
}
