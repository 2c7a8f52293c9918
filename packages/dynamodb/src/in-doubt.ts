/**
 * A request that failed with an error that by itself would mean "not done", after an earlier attempt of the client's
 * own that was left without an answer.
 */
export class InDoubt extends Error {
  override readonly name: string = "InDoubt";
  readonly last: unknown;

  constructor(last: unknown) {
    super("InDoubt");
    this.last = last;
  }
}
