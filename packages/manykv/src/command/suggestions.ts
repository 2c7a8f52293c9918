import { distance } from "fastest-levenshtein";

/**
 * Returns up to three candidates that a user may have meant by a mistyped word, closest first: those that differ in at most
 * a third of the characters or only in their order, and those that start with the word. Ignores case.
 */
export function closestTo(word: string, candidates: Iterable<string>): readonly string[] {
  return [...candidates]
    .filter((candidate) => candidate !== word)
    .map((candidate) => ({ candidate, edits: editsBetween(word.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ edits }) => edits <= Math.max(1, Math.floor(word.length / 3)))
    .sort((one, other) => one.edits - other.edits)
    .slice(0, 3)
    .map(({ candidate }) => candidate);
}

function editsBetween(word: string, candidate: string): number {
  const startsWithWord = word.length >= 3 && candidate.startsWith(word);
  return startsWithWord || sorted(word) === sorted(candidate) ? 1 : distance(word, candidate);
}

function sorted(word: string): string {
  return [...word].sort().join("");
}

/** Removes the suggestions of Commander's errors that are not close: it would suggest `--yes` for `--keys`. */
export function withCloseSuggestions(message: string): string {
  const [, dashes = "", word = ""] = /^error: unknown (?:command|option) '(-*)([^']*)'/.exec(message) ?? [];
  return message.replace(/\n\(Did you mean (?:one of )?(.*)\?\)/, (_, list: string) => {
    const names = list.split(", ").map((name) => name.replace(/^-*/, ""));
    const close = closestTo(word, names).map((name) => dashes + name);
    return close.length === 0 ? "" : `\n(Did you mean ${close.join(" or ")}?)`;
  });
}
