import { expect, test } from "vitest";
import { cases, type WitSentenceId, witSentences } from "../../src/index.js";
import { casesOf, renderCases, renderWitCoverage } from "./render-docs.js";

test("docs/cases.md is up to date", async () => {
  await expect(renderCases(cases)).toMatchFileSnapshot("../../docs/cases.md");
});

test("docs/wit-coverage.md is up to date", async () => {
  await expect(renderWitCoverage(cases)).toMatchFileSnapshot("../../docs/wit-coverage.md");
});

test("each WIT sentence has at least one case", () => {
  const bare = (Object.keys(witSentences) as WitSentenceId[]).filter((id) => casesOf(cases, id).length === 0);
  expect(bare).toEqual([]);
});
