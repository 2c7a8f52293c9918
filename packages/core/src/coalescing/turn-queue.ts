/** Gathers what comes in during one turn of the event loop, and hands it over at the turn's end. */
export class TurnQueue<Item> {
  readonly #flush: (items: readonly Item[]) => void;
  #items: Item[] = [];

  constructor(flush: (items: readonly Item[]) => void) {
    this.#flush = flush;
  }

  add(item: Item): void {
    if (this.#items.push(item) === 1) atEndOfTurn(this.#hand);
  }

  readonly #hand = (): void => {
    const items = this.#items;
    this.#items = [];
    this.#flush(items);
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
