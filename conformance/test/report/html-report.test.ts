import { expect, test } from "vitest";
import { htmlReport } from "../../src/report.js";
import { sampleResult } from "./sample-result.js";

test("the report contains no tag, no attribute and no address that comes from a result", () => {
  const plain = htmlReport([JSON.parse(JSON.stringify(sampleResult).replaceAll(/</g, "("))]);
  const html = htmlReport([sampleResult]);
  const tagsOf = (text: string): readonly string[] => text.match(/<[a-z!/][^>]*>/gi) ?? [];
  expect(tagsOf(html)).toEqual(tagsOf(plain));
  expect(html).not.toMatch(/(src|href|action)="(?!#|data:,")/);
  expect(html).toContain("&lt;img src=x onerror=&quot;alert(1)&quot;&gt;");
});

test("the report represents characters that no HTML page can contain", () => {
  const html = htmlReport([sampleResult]);
  expect(html).toContain("\\u0000\\u0007\\ud800\\ufffe&#13;\n");
  expect(html.isWellFormed()).toBe(true);
});

test("without a result, there is no report", () => {
  expect(() => htmlReport([])).toThrow(new TypeError("htmlReport: pass at least one result"));
});
