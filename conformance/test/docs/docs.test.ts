import { expect, test } from "vitest";
import { cases, type WitSentenceId, witSentences } from "../../src/index.js";
import { casesOf, renderCases, renderWitCoverage } from "./render-docs.js";

test("the table of the cases is up to date", async () => {
  await expect(renderCases(cases)).toMatchFileSnapshot("../../docs/cases.md");
});

test("the table of the WIT sentences is up to date", async () => {
  await expect(renderWitCoverage(cases)).toMatchFileSnapshot("../../docs/wit-coverage.md");
});

test("each WIT sentence has a case", () => {
  const bare = (Object.keys(witSentences) as WitSentenceId[]).filter((id) => casesOf(cases, id).length === 0);
  expect(bare).toEqual([]);
});
