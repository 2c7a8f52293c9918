import { readdir } from "node:fs/promises";
import { expect, test } from "vitest";
import { cases, rules, skipSubject } from "../src/index.js";

test("there are at least 480 cases, and their ids are unique", () => {
  expect(new Set(cases.map(({ id }) => id)).size).toBe(cases.length);
  expect(cases.length).toBeGreaterThanOrEqual(480);
});

test("each rule has cases, and each id is a rule and lower-case words, joined by hyphens", () => {
  expect(new Set(cases.map(({ rule }) => rule))).toEqual(new Set(Object.keys(rules)));
  for (const { id } of cases)
    expect(id).toMatch(/^(s(0[1-9]|1[0-9]|2[0-2])|same|errors|driver)-[a-z0-9]+(-[a-z0-9]+)*$/);
});

test("the id of a case starts with its rule", () => {
  for (const { id, rule } of cases) {
    const [start = ""] = id.split("-", 1);
    expect(start.replace(/^s0?(\d+)$/, "S$1"), id).toBe(rule);
  }
});

test("titles are unique, not empty, and do not end with a full stop", () => {
  const titles = cases.map(({ title }) => title);
  expect(new Set(titles).size).toBe(titles.length);
  for (const title of titles) expect(title).toMatch(/^[^.].*[^.]$/);
});

test("every case of every file in `cases` is in the suite", async () => {
  const folder = new URL("../src/cases/", import.meta.url);
  const files = (await readdir(folder)).filter((file) => file.endsWith(".ts") && file !== "index.ts");
  const listed = new Set(cases);
  for (const file of files) {
    const exported: Record<string, unknown> = await import(new URL(file, folder).href);
    const groups = Object.entries(exported).filter(([name]) => name.endsWith("Cases"));
    expect(groups.length, `${file} must export an array whose name ends in Cases`).toBeGreaterThan(0);
    for (const [, group] of groups)
      for (const one of group as typeof cases)
        expect(listed.has(one), `the suite must contain ${one.id} of ${file}`).toBe(true);
  }
});

test("each subject has cases, and only the ids of network cases contain `-network-`", () => {
  expect(new Set(cases.map(({ subject }) => subject))).toEqual(new Set(["core", "driver", "network", "ability"]));
  for (const { id, subject } of cases) expect(id.includes("-network-"), id).toBe(subject === "network");
});

test("skipSubject leaves out the cases with one subject, and no others", () => {
  const skip = skipSubject("core", "another run tests core");
  for (const { id, subject } of cases)
    expect(skip[id], id).toBe(subject === "core" ? "another run tests core" : undefined);
});
