import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { validateXML } from "xmllint-wasm";
import { junitReport } from "../../src/report.js";
import { hostile, sampleResult } from "./sample-result.js";

const schema = readFileSync(new URL("./junit.xsd", import.meta.url), "utf8");

async function problemsOf(xml: string): Promise<readonly string[]> {
  const { valid, errors } = await validateXML({ xml: [{ fileName: "report.xml", contents: xml }], schema: [schema] });
  return valid ? [] : errors.map(({ rawMessage }) => rawMessage);
}

test("the report is valid for the readers of JUnit XML, also with hostile text and several results", async () => {
  expect(await problemsOf(junitReport([sampleResult]))).toEqual([]);
  expect(await problemsOf(junitReport([sampleResult, { ...sampleResult, backend: "other" }]))).toEqual([]);
});

test("the schema of this test rejects what readers do not know", async () => {
  const xml = junitReport([sampleResult]);
  expect(await problemsOf(xml.replace("<testcase ", '<testcase status="run" '))).not.toEqual([]);
  expect(await problemsOf(xml.replace('time="1.234"', ""))).not.toEqual([]);
  expect(await problemsOf(xml.replace("<failure ", "<broken "))).not.toEqual([]);
});

test("the report counts cases and contains failures, reasons of skips, and the seed", () => {
  const plain = JSON.parse(JSON.stringify(sampleResult).replaceAll(JSON.stringify(hostile).slice(1, -1), "TEXT"));
  const xml = junitReport([plain]);
  expect(xml).toContain('<testsuite name="sample TEXT" tests="4" failures="1" errors="0" skipped="1" time="61.234"');
  expect(xml).toContain('<property name="seed" value="4711"/>');
  expect(xml).toContain('<property name="level batch" value="failed"/>');
  expect(xml).toContain('<testcase classname="sample TEXT.S4" name="s04-order-of-keys: returns results in order"');
  expect(xml).toContain('<failure type="run" message="Error: TEXT">');
  expect(xml).toContain("TypeError: TEXT");
  expect(xml).toContain('<skipped message="TEXT"/>');
});
