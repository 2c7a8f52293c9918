/** A code block in Markdown. */
export interface CodeBlock {
  /** Number of the line with the opening fence. The first line is 1. */
  readonly line: number;
  readonly language: string;
  readonly code: string;
  /** Text of the HTML comment before the block. A blank line may separate the comment from the block. */
  readonly comment: string | undefined;
}

const fence = /^```(\S*)$/;

export function codeBlocksOf(markdown: string): CodeBlock[] {
  const lines = markdown.split("\n");
  const blocks: CodeBlock[] = [];
  for (let start = 0; start < lines.length; start++) {
    const language = fence.exec(lines[start] ?? "")?.[1];
    if (language === undefined) continue;
    const end = lines.indexOf("```", start + 1);
    if (end === -1) throw new Error(`The code block that starts on line ${start + 1} has no closing fence.`);
    const before = lines[start - 1] === "" ? lines[start - 2] : lines[start - 1];
    const comment = /^<!-- (.*) -->$/.exec(before ?? "")?.[1];
    blocks.push({ line: start + 1, language, code: lines.slice(start + 1, end).join("\n"), comment });
    start = end;
  }
  return blocks;
}

/** Returns the Markdown with the code of a block replaced by `code`. */
export function withCode(markdown: string, block: CodeBlock, code: string): string {
  const lines = markdown.split("\n");
  const length = block.code === "" && lines[block.line] === "```" ? 0 : block.code.split("\n").length;
  lines.splice(block.line, length, ...code.split("\n"));
  return lines.join("\n");
}

/** Parses a comment of the form `from path` or `from path#region`. Returns `undefined` for other comments. */
export function sourceOf(comment: string | undefined): { path: string; region: string | undefined } | undefined {
  const [, path, region] = /^from ([^\s#]+)(?:#(\S+))?$/.exec(comment ?? "") ?? [];
  return path === undefined ? undefined : { path, region };
}

/** Returns the whole text, or the part between `// #region name` and `// #endregion name` without its indentation. */
export function regionOf(text: string, region: string | undefined): string {
  const lines = text.trimEnd().split("\n");
  if (region === undefined) return lines.join("\n");
  const start = lines.findIndex((line) => line.trim() === `// #region ${region}`);
  const end = lines.findIndex((line) => line.trim() === `// #endregion ${region}`);
  if (start === -1 || end < start)
    throw new Error(`The example must contain "// #region ${region}" followed by "// #endregion ${region}".`);
  const inside = lines.slice(start + 1, end);
  const indents = inside.filter((line) => line !== "").map((line) => line.length - line.trimStart().length);
  return inside.map((line) => line.slice(Math.min(...indents))).join("\n");
}
