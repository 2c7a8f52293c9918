import { slotCount } from "./key-slot.js";

/** Parses `10923` or `0-5460`. Returns `undefined` for any other text. */
export function parseSlotRange(text: string): { readonly from: number; readonly to: number } | undefined {
  const [, from, to = from] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  const range = { from: Number(from), to: Number(to) };
  return range.from <= range.to && range.to < slotCount ? range : undefined;
}

/** A set of slots. Its text form is a list of ranges: `0-5460,10923`. */
export class SlotSet {
  readonly #members: Uint8Array = new Uint8Array(slotCount);

  static readonly all: string = `0-${slotCount - 1}`;

  /** Parses the text form. Throws a `RangeError` if the text is not a list of ranges. */
  static parse(text: string): SlotSet {
    const set = new SlotSet();
    if (text === "") return set;
    for (const each of text.split(",")) {
      const range = parseSlotRange(each);
      if (range === undefined) throw new RangeError("invalid list of slot ranges");
      set.#members.fill(1, range.from, range.to + 1);
    }
    return set;
  }

  has(slot: number): boolean {
    return this.#members[slot] === 1;
  }

  get empty(): boolean {
    return !this.#members.includes(1);
  }

  add(slot: number): this {
    this.#members[slot] = 1;
    return this;
  }

  addAll(slots: SlotSet): this {
    for (const slot of slots) this.add(slot);
    return this;
  }

  remove(slot: number): void {
    this.#members[slot] = 0;
  }

  common(slots: SlotSet): SlotSet {
    const set = new SlotSet();
    for (const slot of this) if (slots.has(slot)) set.add(slot);
    return set;
  }

  *[Symbol.iterator](): Generator<number, void, undefined> {
    for (let slot = 0; slot < slotCount; slot++) if (this.#members[slot] === 1) yield slot;
  }

  toString(): string {
    const ranges: string[] = [];
    for (let from = 0; from < slotCount; from++) {
      if (!this.has(from)) continue;
      let to = from;
      while (this.has(to + 1)) to++;
      ranges.push(from === to ? `${from}` : `${from}-${to}`);
      from = to;
    }
    return ranges.join(",");
  }
}
