/** A seeded random number generator. The same seed produces the same numbers, so do not use the numbers for secrets. */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** `seed` can be any number or string. The number 5 and the string "5" are the same seed. */
  constructor(seed: number | string) {
    this.#a = deriveSeed(1, seed);
    this.#b = deriveSeed(2, seed);
    this.#c = deriveSeed(3, seed);
    for (let round = 0; round < 12; round++) this.#next();
  }

  /** Returns a number from 0 (included) to 1 (excluded). */
  next(): number {
    return this.#next() / 2 ** 32;
  }

  /** Returns an integer from `least` to `most`, both included. */
  integer(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** Returns one of the choices, all with the same probability. Throws a `RangeError` if `choices` is empty. */
  pick<Choice>(choices: readonly Choice[]): Choice {
    if (choices.length === 0) throw new RangeError("Random.pick: `choices` must not be empty");
    return choices[this.integer(0, choices.length - 1)] as Choice;
  }

  /** Returns one of the keys of `weights`. The probability of a key is proportional to its weight. */
  weighted<Choice extends string>(weights: Readonly<Record<Choice, number>>): Choice {
    const entries = Object.entries(weights) as [Choice, number][];
    let left = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [choice, weight] of entries) {
      left -= weight;
      if (left < 0) return choice;
    }
    return (entries.at(-1) as [Choice, number])[0];
  }

  bytes(count: number): Uint8Array<ArrayBuffer> {
    const words = new Uint32Array(Math.ceil(count / 4));
    for (let index = 0; index < words.length; index++) words[index] = this.#next();
    return new Uint8Array(words.buffer, 0, count);
  }

  /** Returns a string of `digits` random hexadecimal digits, in lowercase. */
  hex(digits: number): string {
    const bytes = Buffer.from(this.bytes(Math.ceil(digits / 2)));
    return bytes.toString("hex").slice(0, digits);
  }

  /** Returns the next number of sfc32 by Chris Doty-Humphrey. With 128 bits of state, seeds are unlikely to overlap. */
  #next(): number {
    const result = (this.#a + this.#b + this.#counter++) >>> 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + result) | 0;
    return result;
  }
}

/** Derives a seed for one part of a seeded run, such as one case. The same arguments produce the same seed. */
export function deriveSeed(seed: number, label: string | number): number {
  let hash = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b);
  for (const character of String(label)) {
    hash = Math.imul(hash ^ (hash >>> 15) ^ (character.codePointAt(0) ?? 0), 0x2c1b3c6d);
  }
  return (hash ^ (hash >>> 13)) >>> 0;
}
