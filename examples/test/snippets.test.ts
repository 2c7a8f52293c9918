import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { publicPackages } from "./support/packages.js";
import { repository } from "./support/repository.js";
import { codeBlocksOf, regionOf, sourceOf, withCode } from "./support/snippets.js";

// With UPDATE_SNIPPETS=1, the tests write the examples into the Markdown files before they compare them.
const { UPDATE_SNIPPETS } = process.env;
const leftOut = new Set(["node_modules", "dist", "test", "CHANGELOG.md"]);

/** Yields the Markdown files for users: in the root folder, in docs and examples, and in the published packages. */
function* userFiles(): Generator<string> {
  for (const name of readdirSync(repository)) if (name.endsWith(".md")) yield name;
  for (const folder of ["docs", "examples", ...publicPackages().map((one) => one.folder)]) yield* filesIn(folder);
}

function* filesIn(folder: string): Generator<string> {
  for (const entry of readdirSync(join(repository, folder), { withFileTypes: true })) {
    if (leftOut.has(entry.name)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesIn(path);
    else if (entry.name.endsWith(".md")) yield path;
  }
}

describe.each([...userFiles()])("%s", (file) => {
  const path = join(repository, file);
  for (const { line, language, comment } of codeBlocksOf(readFileSync(path, "utf8"))) {
    const source = sourceOf(comment);
    if (source !== undefined) {
      test(`the code block on line ${line} equals ${source.path}${source.region === undefined ? "" : `, ${source.region}`}`, () => {
        const markdown = readFileSync(path, "utf8");
        const code = regionOf(readFileSync(join(repository, source.path), "utf8"), source.region);
        const block = codeBlocksOf(markdown).find((one) => one.comment === comment);
        if (UPDATE_SNIPPETS === "1" && block !== undefined) writeFileSync(path, withCode(markdown, block, code));
        expect(codeBlocksOf(readFileSync(path, "utf8")).find((one) => one.comment === comment)?.code).toBe(code);
      });
    } else if (/^(ts|js|typescript|javascript)$/.test(language)) {
      test(`the code block on line ${line} has a comment that says why it is not run`, () => {
        expect(comment ?? "", "Put <!-- from path#region --> or <!-- not run: reason --> before the block.").toMatch(
          /^not run: \S/,
        );
      });
    }
  }
  // vitest rejects a describe block without tests.
  test("can be read", () => {});
});

test("codeBlocksOf finds a block, its comment and its line", () => {
  const markdown = "a\n\n<!-- from x.ts#part -->\n```ts\none\n\ntwo\n```\n```sh\nb\n```\n";
  expect(codeBlocksOf(markdown)).toEqual([
    { line: 4, language: "ts", code: "one\n\ntwo", comment: "from x.ts#part" },
    { line: 9, language: "sh", code: "b", comment: undefined },
  ]);
  expect(() => codeBlocksOf("```ts\n")).toThrow("has no closing fence");
});

test("regionOf returns a region without its indentation", () => {
  const text = "a\n  // #region one\n  b\n\n    c\n  // #endregion one\nd\n";
  expect(regionOf(text, "one")).toBe("b\n\n  c");
  expect(regionOf(text, undefined)).toBe(text.trimEnd());
  expect(() => regionOf(text, "two")).toThrow("#region two");
});

test.each(["```ts\n```\n", "```ts\n\n```\n", "```ts\nold\nolder\n```\n"])(
  "withCode replaces the code of %j",
  (markdown) => {
    const [block] = codeBlocksOf(markdown);
    expect(block && withCode(markdown, block, "new\ncode")).toBe("```ts\nnew\ncode\n```\n");
  },
);
