/** Thrown by a case that finds, once it has a driver, that it does not apply to this backend. */
export class SkipCase extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = "SkipCase";
  }
}
