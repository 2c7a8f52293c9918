import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { publicPackages } from "./support/packages.js";
import { repository } from "./support/repository.js";
import { codeBlocksOf, regionOf, sourceOf, withCode } from "./support/snippets.js";

// With UPDATE_SNIPPETS=1, the test writes the examples into the Markdown files instead of comparing them.
const { UPDATE_SNIPPETS } = process.env;
const leftOut = new Set(["node_modules", "dist", "test", "CHANGELOG.md"]);

/** The Markdown files that users read: in the root folder, in docs and examples, and in the published packages. */
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
      test(`line ${line} shows ${source.path}${source.region === undefined ? "" : `, ${source.region}`}`, () => {
        const markdown = readFileSync(path, "utf8");
        const code = regionOf(readFileSync(join(repository, source.path), "utf8"), source.region);
        const block = codeBlocksOf(markdown).find((one) => one.comment === comment);
        if (UPDATE_SNIPPETS === "1" && block !== undefined) writeFileSync(path, withCode(markdown, block, code));
        expect(codeBlocksOf(readFileSync(path, "utf8")).find((one) => one.comment === comment)?.code).toBe(code);
      });
    } else if (/^(ts|js|typescript|javascript)$/.test(language)) {
      test(`line ${line} says why it is not run`, () => {
        expect(comment ?? "", "put <!-- from path#region --> or <!-- not run: reason --> before it").toMatch(
          /^not run: \S/,
        );
      });
    }
  }
  test("can be read", () => {});
});

test("codeBlocksOf finds a block, its comment and its line", () => {
  const markdown = "a\n\n<!-- from x.ts#part -->\n```ts\none\n\ntwo\n```\n```sh\nb\n```\n";
  expect(codeBlocksOf(markdown)).toEqual([
    { line: 4, language: "ts", code: "one\n\ntwo", comment: "from x.ts#part" },
    { line: 9, language: "sh", code: "b", comment: undefined },
  ]);
  expect(() => codeBlocksOf("```ts\n")).toThrow("not closed");
});

test("regionOf cuts out a region and removes its indentation", () => {
  const text = "a\n  // #region one\n  b\n\n    c\n  // #endregion one\nd\n";
  expect(regionOf(text, "one")).toBe("b\n\n  c");
  expect(regionOf(text, undefined)).toBe(text.trimEnd());
  expect(() => regionOf(text, "two")).toThrow("no region two");
});

test.each(["```ts\n```\n", "```ts\n\n```\n", "```ts\nold\nolder\n```\n"])(
  "withCode replaces the code of %j",
  (markdown) => {
    const [block] = codeBlocksOf(markdown);
    expect(block && withCode(markdown, block, "new\ncode")).toBe("```ts\nnew\ncode\n```\n");
  },
);
