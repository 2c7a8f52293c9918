import type { SlotSet } from "./slot-set.js";

/** The number of replacements that are remembered. For a call that began earlier, every key counts as lost. */
const mostRemembered = 16;

/** Remembers the slots of server processes that were replaced and may have lost writes that they acknowledged. */
export class LostSlots {
  /** The slots of the last replacements. The last item belongs to `generation`. */
  readonly #recent: SlotSet[] = [];
  #generation = 0;

  /** The number of replacements. */
  get generation(): number {
    return this.#generation;
  }

  add(slots: SlotSet): void {
    if (slots.empty) return;
    this.#generation++;
    this.#recent.push(slots);
    if (this.#recent.length > mostRemembered) this.#recent.shift();
  }

  /** Returns whether a process that served this slot was replaced after this generation. */
  hasSince(generation: number, slot: number): boolean {
    const missed = this.#generation - generation;
    if (missed > this.#recent.length) return true;
    return missed > 0 && this.#recent.slice(-missed).some((slots) => slots.has(slot));
  }
}
