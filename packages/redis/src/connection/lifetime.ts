/** Something that ends once, such as a store or an attempt to connect. Listeners release what belongs to it. */
export class Lifetime {
  readonly #listeners: Set<() => void> = new Set();
  #ended = false;

  get ended(): boolean {
    return this.#ended;
  }

  /**
   * Calls `listener` at the end, or immediately if the end has passed. Returns a function that removes the listener.
   */
  onEnd(listener: () => void): () => void {
    if (this.#ended) listener();
    else this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const listener of this.#listeners) listener();
    this.#listeners.clear();
  }
}
