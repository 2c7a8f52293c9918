/**
 * From here on a clock is taken to be wrong, in milliseconds. Signatures hold for 5 minutes:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
 */
const largestSkew = 240_000;

/** The time at AWS. Follows this machine's clock, until AWS refuses a signature made by it. */
export class Clock {
  #offset = 0;

  now(): Date {
    return new Date(Date.now() + this.#offset);
  }

  /** Takes over the `date` of an answer where it is far from when its request was signed. Gives whether it was. */
  correct(date: string | undefined, signed: Date): boolean {
    const time = Date.parse(date ?? "");
    if (Number.isNaN(time) || Math.abs(time - signed.getTime()) < largestSkew) return false;
    this.#offset = time - Date.now();
    return true;
  }
}
