/** A parsed JSON object, or what is wrong with the text. */
export type ParsedObject = { readonly members: Record<string, unknown> } | { readonly problem: string };

/**
 * Parses a line that must be one JSON object. Rejects an object in which a name occurs twice, because `JSON.parse`
 * would silently drop one of the two members.
 */
export function parseObject(line: string): ParsedObject {
  const parsed = parseJson(line);
  if (parsed === undefined) return { problem: problemOf(line) };
  if (Array.isArray(parsed)) return { problem: problems.array };
  if (typeof parsed !== "object" || parsed === null) return { problem: problems.noObject };
  const isRepeated = outlineOf(line).members.length > Object.keys(parsed).length;
  return isRepeated ? { problem: problems.repeated } : { members: parsed as Record<string, unknown> };
}

/** Returns the text of the number in a member of a valid JSON object. `JSON.parse` returns 100 for the text `1e2`. */
export function numberText(line: string, name: string): string | undefined {
  const isNamed = ({ start, colon }: Member): boolean => parseJson(line.slice(start, colon)) === name;
  const member = outlineOf(line).members.find(isNamed);
  return member && /^[ \t\r]*([-+.0-9eE]+)/.exec(line.slice(member.colon + 1))?.[1];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

// The messages contain no part of the line, which may be a secret. Node.js's messages do.
const problems = {
  noObject: "it is not a JSON object",
  array: "it is a JSON array, but must be one object on each line: convert the input, for example with `jq -c '.[]'`",
  incomplete:
    "it is only a part of a JSON object: put each object on one line, for example with `jq -c .`, and check that the input is complete",
  several: "it contains several JSON objects: put each object on one line, for example with `jq -c .`",
  comma: "a comma follows its JSON object: end each line without a comma",
  byteOrderMark: "it starts with a byte order mark, which may only be at the start of the input: remove it",
  malformed: "it is not a JSON object, because its JSON is malformed",
  repeated: "a name occurs twice in its JSON object, so it is unclear which member counts",
} as const;

function problemOf(line: string): string {
  if (line.startsWith("\ufeff")) return problems.byteOrderMark;
  const text = line.trim();
  if (text.startsWith("[")) return problems.array;
  if (!text.startsWith("{")) return problems.noObject;
  const { end } = outlineOf(text);
  if (end === undefined) return problems.incomplete;
  const rest = text.slice(end).trimStart();
  if (rest === "" || parseJson(text.slice(0, end)) === undefined) return problems.malformed;
  if (rest === ",") return problems.comma;
  return /^,?\s*\{/.test(rest) ? problems.several : problems.malformed;
}

interface Member {
  /** Offset of the member's name. */
  readonly start: number;
  /** Offset of the colon after the name. */
  readonly colon: number;
}

/** Finds the members of the object that starts the text, and the offset where the object ends, if it ends. */
function outlineOf(text: string): { members: Member[]; end: number | undefined } {
  const members: Member[] = [];
  let depth = 0;
  let string = 0;
  for (let offset = 0; offset < text.length; offset++) {
    switch (text[offset]) {
      case '"':
        string = offset;
        offset = endOfString(text, offset);
        break;
      case "{":
      case "[":
        depth++;
        break;
      case "}":
      case "]":
        if (--depth === 0) return { members, end: offset + 1 };
        break;
      case ":":
        if (depth === 1) members.push({ start: string, colon: offset });
    }
  }
  return { members, end: undefined };
}

/** Returns the offset of the quote that ends a string, or the length of the text if there is none. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end === -1 ? text.length : end;
}

/** Returns whether an odd number of backslashes precedes the offset. */
function isEscaped(text: string, offset: number): boolean {
  let first = offset;
  while (text[first - 1] === "\\") first--;
  return (offset - first) % 2 === 1;
}
