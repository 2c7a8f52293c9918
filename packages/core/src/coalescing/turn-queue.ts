import { accessOf } from "../store-access.js";

/**
 * Gathers what comes in during one turn of the event loop, and hands it over at the turn's end; earlier where the store
 * is about to close, since what came in before that still counts.
 */
export class TurnQueue<Item> {
  readonly #bucket: object;
  readonly #flush: (items: readonly Item[]) => void;
  #items: Item[] = [];
  #leave: (() => void) | undefined;

  constructor(bucket: object, flush: (items: readonly Item[]) => void) {
    this.#bucket = bucket;
    this.#flush = flush;
  }

  add(item: Item): void {
    if (this.#items.push(item) > 1) return;
    this.#leave = accessOf(this.#bucket)?.beforeClose(this.#hand);
    atEndOfTurn(this.#hand);
  }

  readonly #hand = (): void => {
    this.#leave?.();
    const items = this.#items;
    this.#items = [];
    if (items.length > 0) this.#flush(items);
  };
}

/**
 * In Node after the callbacks of this turn and the promises that they settled, so that calls from many handlers of
 * one turn meet; browsers have no such hook, there it is the next task.
 */
function atEndOfTurn(callback: () => void): void {
  if (typeof setImmediate === "function") setImmediate(callback);
  else setTimeout(callback, 0);
}
