/** An error of a request, with what its transport knows of the request's effect and the error does not tell. */
export abstract class EffectError extends Error {
  /** What a write may have done. */
  abstract readonly effect: "none" | "unknown";
  readonly last: unknown;

  constructor(last: unknown) {
    super("the request failed");
    this.last = last;
  }
}

/** The request had not left when it failed, and never will. */
export class NotSent extends EffectError {
  override readonly effect = "none";
}

/** The request had not left, as the provider of credentials failed. */
export class NoCredentials extends NotSent {}

/** The request, or an earlier attempt of the client's own at it, was left without an answer that tells what it did. */
export class InDoubt extends EffectError {
  override readonly effect = "unknown";
}
