import { randomName } from "@manykv/test-services";

/** Tables made for a run, which are dropped when it is over: the server may be somebody's own. */
export class ScratchTables implements AsyncDisposable {
  readonly #names: string[] = [];
  readonly #drop: (name: string) => Promise<unknown>;

  constructor(drop: (name: string) => Promise<unknown>) {
    this.#drop = drop;
  }

  /** Those that were made. */
  get names(): readonly string[] {
    return this.#names;
  }

  next(): string {
    const name = randomName();
    this.#names.push(name);
    return name;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of this.#names) await this.#drop(name);
  }
}
