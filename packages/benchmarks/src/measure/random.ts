import { createHash } from "node:crypto";

/** Bytes that depend on the seed alone, so that every run and every contender works on the same ones. */
export class Random {
  readonly #seed: string;
  #block: Buffer = Buffer.alloc(0);
  #used = 0;
  #blocks = 0;

  constructor(seed: string) {
    this.#seed = seed;
  }

  /** Bytes with memory of their own. */
  bytes(count: number): Uint8Array {
    const result = new Uint8Array(count);
    for (let filled = 0; filled < count; ) {
      if (this.#used === this.#block.length) this.#next();
      const part = this.#block.subarray(this.#used, this.#used + count - filled);
      result.set(part, filled);
      filled += part.length;
      this.#used += part.length;
    }
    return result;
  }

  hex(digits: number): string {
    return Buffer.from(this.bytes(digits / 2)).toString("hex");
  }

  #next(): void {
    this.#block = createHash("shake256", { outputLength: 65_536 })
      .update(`${this.#seed} ${this.#blocks++}`)
      .digest();
    this.#used = 0;
  }
}
