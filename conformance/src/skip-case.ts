import type { SkipKind } from "./results.js";

/** The error that a case throws to skip itself if the case does not apply to the backend. */
export class SkipCase extends Error {
  readonly kind: SkipKind;

  constructor(kind: SkipKind, reason: string) {
    super(reason);
    this.name = "SkipCase";
    this.kind = kind;
  }
}
