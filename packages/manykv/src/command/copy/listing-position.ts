/**
 * Tracks up to which page of a listing everything was copied. Pages are read in batches whose ends differ from those of the
 * pages, and keys without a record are skipped, so the position follows three counts: keys listed, keys read and records
 * copied.
 */
export class ListingPosition {
  /** Pages whose keys were not all read. `end` is the number of keys listed up to the end of the page. */
  readonly #listed: { readonly end: number; cursor: string }[] = [];
  /** Pages whose records were not all copied. `end` is the number of records up to the end of the page. */
  readonly #read: { readonly end: number; readonly cursor: string }[] = [];
  #keysListed = 0;
  #keysRead = 0;
  #records = 0;
  #copied = 0;
  /** Where a later run may continue. Everything that was listed before this cursor was copied. */
  cursor: string | undefined;

  constructor(start: string | undefined) {
    this.cursor = start;
  }

  get keysListed(): number {
    return this.#keysListed;
  }

  /** A page was listed. `next` is the cursor of the next page, or `undefined` after the last page. */
  list(keys: number, next: string | undefined): void {
    this.#keysListed += keys;
    if (next === undefined) return;
    const last = this.#listed.at(-1);
    // A listing may have many empty pages.
    if (last?.end === this.#keysListed) last.cursor = next;
    else this.#listed.push({ end: this.#keysListed, cursor: next });
    this.#advance();
  }

  /** Records were read for the next `keys` keys. `records` is the number of all records so far. */
  read(keys: number, records: number): void {
    this.#keysRead += keys;
    this.#records = records;
    this.#advance();
  }

  /** The first `records` records were copied. */
  copy(records: number): void {
    this.#copied = records;
    this.#advance();
  }

  #advance(): void {
    for (let page = this.#listed[0]; page !== undefined && page.end <= this.#keysRead; page = this.#listed[0]) {
      this.#read.push({ end: this.#records, cursor: page.cursor });
      this.#listed.shift();
    }
    for (let page = this.#read[0]; page !== undefined && page.end <= this.#copied; page = this.#read[0]) {
      this.cursor = page.cursor;
      this.#read.shift();
    }
  }
}
