import assert from "node:assert/strict";
import { inspect } from "node:util";

/** A string that cases use as a key, a value or a secret. It must not appear in an error in any form. */
export const canary = "c4n4ry-s3cr3t";

/** The canary itself, and its bytes in hexadecimal, in Base64, and as a list of decimal numbers. */
const disguises: readonly string[] = (() => {
  const view = Buffer.from(canary);
  const hex = view.toString("hex");
  return [
    canary,
    hex,
    hex.replace(/../g, "$& ").trim(),
    view.toString("base64").slice(0, 16),
    [...view].join(", "),
    [...view].join(","),
  ];
})();

/** Asserts that the canary appears neither in the error nor in anything reachable from it. */
export function assertNoLeak(error: unknown, what: string): void {
  const { message, stack, cause } = error as Error;
  const shown: readonly (readonly [string, string])[] = [
    ["message", message],
    ["stack", stack ?? ""],
    ["cause", inspect(cause, { depth: Number.POSITIVE_INFINITY, showHidden: true })],
    ["result of String()", String(error)],
    ["JSON", JSON.stringify(error)],
    ["result of inspect()", inspect(error, { depth: Number.POSITIVE_INFINITY, showHidden: true })],
  ];
  for (const [place, text] of shown)
    for (const disguise of disguises)
      assert.ok(!text.includes(disguise), `${what}: the ${place} of the error must contain no key, value or secret`);
}
