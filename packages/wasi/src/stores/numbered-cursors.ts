import { HostError } from "./failure.js";

/** Number of cursors that a host remembers. */
const maxCursors = 10_000;

/**
 * Numbers the cursors of a store, for the shape of the interface whose cursors are integers. Remembers the newest cursors,
 * because a component may abandon a listing.
 */
export class NumberedCursors {
  readonly #cursors: Map<bigint, { readonly identifier: string; readonly text: string }> = new Map();
  #last = 0n;

  /** Returns the number for the cursor of a page. */
  numberOf(identifier: string, text: string | undefined): bigint | undefined {
    if (text === undefined) return undefined;
    const number = ++this.#last;
    this.#cursors.set(number, { identifier, text });
    if (this.#cursors.size > maxCursors) this.#cursors.delete(number - BigInt(maxCursors));
    return number;
  }

  /** Returns the cursor with a number. A component may pass the same number again. */
  textOf(identifier: string, number: bigint | undefined): string | undefined {
    if (number === undefined) return undefined;
    const cursor = this.#cursors.get(number);
    if (cursor?.identifier !== identifier)
      throw new HostError("invalid-argument", "the cursor is unknown: start the listing again");
    return cursor.text;
  }
}
