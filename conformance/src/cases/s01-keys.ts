import assert from "node:assert/strict";
import type { ConformanceCase } from "../conformance-case.js";
import { bytes, sameBytes } from "../support/bytes.js";
import { listed } from "../support/listed.js";
import { roundTrip } from "../support/round-trip.js";

/** Cases for rule S1: valid keys, and strings that must be different keys. */
export const keyCases: readonly ConformanceCase[] = [
  {
    id: "s01-empty-key",
    rule: "S1",
    subject: "driver",
    title: "the empty string is a valid key",
    async run(context) {
      const bucket = await context.bucket();
      assert.equal(await bucket.get(""), undefined);
      await bucket.set("", bytes("of the empty key"));
      sameBytes(await bucket.get(""), bytes("of the empty key"));
      assert.equal(await bucket.exists(""), true);
      assert.deepEqual(await listed(bucket), [""]);
      await bucket.delete("");
      assert.equal(await bucket.exists(""), false);
    },
  },
  different("s01-nul-character", "keys that differ only in U+0000 characters are different keys", [
    "\0",
    "\0\0",
    "a",
    "a\0",
    "\0a",
    "a\0b",
    "ab",
  ]),
  different("s01-names-of-properties", "names of JavaScript object properties are valid keys", [
    "__proto__",
    "constructor",
    "prototype",
    "toString",
    "hasOwnProperty",
    "valueOf",
    "then",
    "length",
  ]),
  different("s01-no-normalization", "composed and decomposed forms of a character are different keys", [
    "é",
    "e\u0301",
    "Å",
    "A\u030a",
    "\u212b",
    "ﬁ",
    "fi",
    "가",
    "\u1100\u1161",
  ]),
  different("s01-case-sensitive", "keys that differ only in case are different keys", [
    "key",
    "Key",
    "KEY",
    "ß",
    "ss",
    "SS",
    "ẞ",
    "i",
    "I",
    "ı",
    "İ",
    "σ",
    "ς",
  ]),
  different("s01-white-space", "keys that differ only in white space or invisible characters are different keys", [
    " ",
    "",
    "a",
    "a ",
    " a",
    "a  ",
    "a\t",
    "a\n",
    "a\r\n",
    "a\u00a0",
    "a\u200b",
    "\ufeffa",
    "a\u00ad",
    "\u2028",
    "\u2029",
  ]),
  different("s01-number-like", "keys that look like the same number, such as 1 and 01, are different keys", [
    "1",
    "01",
    "1.0",
    "1e0",
    "+1",
    "-0",
    "0",
    "NaN",
    "null",
    "true",
  ]),
  different("s01-special-to-engines", "characters that are special in query languages are ordinary key characters", [
    "'; DROP TABLE manykv; --",
    '"',
    "'",
    "\\",
    "\\x41",
    "%",
    "_",
    "$1",
    ":a",
    "#a",
    "a/b",
    "a//b",
    "../a",
    "..",
    ".",
    "a b",
    "*",
    "?",
    "[a]",
    "{a}",
    "{}",
    "{a}b",
    "a\r\nGET b\r\n",
    "&lt;",
    "%00",
  ]),
  {
    id: "s01-every-plane",
    rule: "S1",
    subject: "driver",
    title:
      "characters of every Unicode plane are valid keys, including control and private-use characters and noncharacters",
    async run(context) {
      await roundTrip(await context.bucket(), sampleOfUnicode());
    },
  },
];

function different(id: string, title: string, keys: readonly string[]): ConformanceCase {
  return {
    id,
    rule: "S1",
    subject: "driver",
    title,
    run: async (context) => roundTrip(await context.bucket(), keys),
  };
}

/**
 * Returns every Latin-1 character, the noncharacter U+nFFFF of each plane, and the first and last character of each
 * block of 256 that is below U+3000 or begins at a multiple of U+1000. Omits surrogates.
 */
function sampleOfUnicode(): string[] {
  const points: number[] = Array.from({ length: 256 }, (_, point) => point);
  for (let block = 1; block < 0x1100; block++) {
    if (block >= 0xd8 && block < 0xe0) continue;
    points.push(block * 256, block * 256 + 255);
  }
  return points
    .filter((point) => point < 256 || point % 4096 < 256 || point < 0x3000 || (point & 0xfffe) === 0xfffe)
    .map((point) => String.fromCodePoint(point));
}
