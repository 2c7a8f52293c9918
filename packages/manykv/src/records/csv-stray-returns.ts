import type { Buffer } from "node:buffer";

const quote = 0x22;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** More bytes than csv-parse holds back until it sees what comes after them. */
const heldBack = 16;

/**
 * Carriage returns of a CSV input that neither stand in quotes nor belong to a CRLF: csv-parse takes them for a part of
 * the field. Asking it for each field whether it was quoted makes it three times as slow.
 */
export class StrayReturns {
  #offsets: number[] = [];
  #position = 0;
  #quoted = false;
  #endsInReturn = false;

  /** Takes the input's next bytes. Those before must have been parsed. */
  scan(chunk: Buffer): void {
    // What is left is in the row that is still under way, for which one is as good as many, but for the last bytes, which
    // csv-parse has not looked at yet.
    this.#offsets.splice(1, this.#offsets.length - heldBack);
    if (this.#endsInReturn && chunk[0] !== lineFeed) this.#offsets.push(this.#position - 1);
    this.#endsInReturn = false;
    let nextQuote = chunk.indexOf(quote);
    let nextReturn = chunk.indexOf(carriageReturn);
    while (nextReturn !== -1) {
      if (nextQuote !== -1 && nextQuote < nextReturn) {
        this.#quoted = !this.#quoted;
        nextQuote = chunk.indexOf(quote, nextQuote + 1);
        continue;
      }
      if (!this.#quoted) this.#add(chunk, nextReturn);
      nextReturn = chunk.indexOf(carriageReturn, nextReturn + 1);
    }
    for (; nextQuote !== -1; nextQuote = chunk.indexOf(quote, nextQuote + 1)) this.#quoted = !this.#quoted;
    this.#position += chunk.length;
  }

  /** The input has ended. */
  end(): void {
    if (this.#endsInReturn) this.#offsets.push(this.#position - 1);
  }

  /** Whether one stands before this place of the input; those are forgotten then. */
  takeBefore(end: number): boolean {
    const after = this.#offsets.findIndex((offset) => offset >= end);
    return this.#offsets.splice(0, after === -1 ? this.#offsets.length : after).length > 0;
  }

  #add(chunk: Buffer, at: number): void {
    if (at === chunk.length - 1) this.#endsInReturn = true;
    else if (chunk[at + 1] !== lineFeed) this.#offsets.push(this.#position + at);
  }
}
