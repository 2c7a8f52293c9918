/**
 * Returns bucket names that an engine may confuse with each other: some are prefixes of others or differ only in case,
 * and some match others if `_` or `.` counts as a wildcard, as in LIKE and in regular expressions.
 */
export function similarNames(base: string): string[] {
  const ends = [
    "",
    "a",
    "A",
    "aa",
    "0",
    "-",
    ".",
    "..",
    "_",
    "__",
    "x",
    "a_b",
    "axb",
    "a-b",
    "A_B",
    "a.b",
    "ab",
    "abc",
  ];
  return ends.map((end) => base + end);
}
