/** A parsed JSON object, or what is wrong with the text. */
export type ParsedObject = { readonly members: Record<string, unknown> } | { readonly problem: string };

/**
 * Parses a line that must be one JSON object. Rejects an object in which a name occurs twice, because `JSON.parse`
 * would silently drop one of the two members. Does not check the names of nested objects.
 */
export function parseObject(line: string): ParsedObject {
  const parsed = parseJson(line);
  if (parsed === undefined) return { problem: problemOf(line) };
  if (Array.isArray(parsed)) return { problem: problems.array };
  if (typeof parsed !== "object" || parsed === null) return { problem: problems.noObject };
  const names = outlineOf(line).members.map((member) => nameOf(line, member));
  if (new Set(names).size < names.length) return { problem: problems.repeated };
  return { members: parsed as Record<string, unknown> };
}

/** Returns the text of the number in the member `name`, such as `1e2`, for which `JSON.parse` returns 100. */
export function numberText(line: string, name: string): string | undefined {
  const member = outlineOf(line).members.find((each) => nameOf(line, each) === name);
  return member && /^[ \t\r]*([-+.0-9eE]+)/.exec(line.slice(member.colon + 1))?.[1];
}

function nameOf(line: string, { start, colon }: Member): unknown {
  return parseJson(line.slice(start, colon));
}

/** Parses JSON. Returns `undefined` if the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

// These messages contain no part of the line, because it may be secret. The messages of `JSON.parse` contain parts.
const problems = {
  noObject: "it is not a JSON object",
  array: "it is a JSON array, but each line must be one JSON object: convert the input, for example with `jq -c '.[]'`",
  incomplete:
    "it is only a part of a JSON object: put each object on one line, for example with `jq -c .`, and check that the input is complete",
  several: "it contains several JSON objects: put each object on one line, for example with `jq -c .`",
  comma: "a comma follows its JSON object: end each line without a comma",
  byteOrderMark: "it starts with a byte order mark, which is allowed only at the start of the input: remove the mark",
  malformed: "it is not a JSON object, because its JSON is malformed",
  repeated: "a name occurs twice in its JSON object, so it is unclear which member to use: remove one of the members",
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

/** Finds the members of the object at the start of the text, and the offset after the object if the object ends. */
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

/** Returns the offset of the quote that ends a string, or the length of the text if the string does not end. */
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
