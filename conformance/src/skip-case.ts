/** The error that a case throws to skip itself if the case does not apply to the backend. */
export class SkipCase extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = "SkipCase";
  }
}
