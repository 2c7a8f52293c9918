/** Requests that reach the engine after their call was answered. */
export class LateRequests {
  readonly #cancels = new Set<() => Promise<void>>();

  /** Sends a request after a while. The function returned makes sure that it takes no effect after it resolves. */
  add(send: () => Promise<unknown>, milliseconds: number): () => Promise<void> {
    let sent: Promise<unknown> = Promise.resolve();
    const timer = setTimeout(() => {
      sent = send().catch(() => {});
    }, milliseconds);
    const cancel = async (): Promise<void> => {
      clearTimeout(timer);
      await sent;
      this.#cancels.delete(cancel);
    };
    this.#cancels.add(cancel);
    return cancel;
  }

  async cancelAll(): Promise<void> {
    await Promise.all([...this.#cancels].map((cancel) => cancel()));
  }
}
