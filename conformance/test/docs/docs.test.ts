import { expect, test } from "vitest";
import { cases, type WitSentenceId, witSentences } from "../../src/index.js";
import { linked } from "../../src/table/coverage.js";
import { casesOf, renderCases, renderCoverage, renderWitCoverage } from "./render-docs.js";

test("docs/cases.md is up to date", async () => {
  await expect(renderCases(cases)).toMatchFileSnapshot("../../docs/cases.md");
});

test("docs/wit-coverage.md is up to date", async () => {
  await expect(renderWitCoverage(cases)).toMatchFileSnapshot("../../docs/wit-coverage.md");
});

test("docs/coverage.md is up to date", async () => {
  await expect(renderCoverage()).toMatchFileSnapshot("../../docs/coverage.md");
});

test("the coverage page links only cases that exist", () => {
  const ids = new Set(cases.map(({ id }) => id));
  for (const { conditions } of linked) for (const id of Object.values(conditions).flat()) expect(ids).toContain(id);
});

test("each WIT sentence has at least one case", () => {
  const bare = (Object.keys(witSentences) as WitSentenceId[]).filter((id) => casesOf(cases, id).length === 0);
  expect(bare).toEqual([]);
});
