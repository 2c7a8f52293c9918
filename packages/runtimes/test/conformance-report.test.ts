/// <reference lib="dom" />
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { run } from "./support/application.js";
import {
  accessibilityProblems,
  colorSchemeOf,
  devices,
  launchBrowser,
  openPage,
  overflowOf,
} from "./support/report-page.js";

/** What the test reads from a JSON result. */
interface Result {
  readonly backend: string;
  readonly seed: number;
  readonly counts: Readonly<Record<"passed" | "failed" | "skipped", number>>;
  readonly levels: Readonly<Record<string, string>>;
  readonly results: readonly {
    readonly id: string;
    readonly rule: string;
    readonly status: "passed" | "failed" | "skipped";
    readonly reason?: string;
    readonly failure?: { readonly message: string };
  }[];
}

/** Markup that would run a script, load a file or end an element if the report contained it without escaping. */
const hostile = `</script></dialog><img src="https://example.com/x.png" onerror="document.title='hostile'"><script>1</script>`;

const command = fileURLToPath(new URL("../../manykv/dist/command/main.js", import.meta.url));

let folder: string;
let results: readonly Result[];
let browser: Browser;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "manykv-report-"));
  const manykv = async (code: number, ...args: string[]): Promise<void> => {
    const { output, exitCode } = await run(process.execPath, [command, "conformance", ...args]);
    expect(exitCode, output).toBe(code);
  };
  await manykv(0, "--init", join(folder, "harness.mjs"));
  const working = readFileSync(join(folder, "harness.mjs"), "utf8");
  const broken = working.replace("of keys) dataOf(bucket).delete", "of keys.slice(1)) dataOf(bucket).delete");
  expect(broken).not.toBe(working);
  writeFileSync(join(folder, "broken.mjs"), broken);
  const files = ["memory", "broken", "example"].map((name) => join(folder, `${name}.json`)) as [string, string, string];
  await manykv(0, "memory:", "--rule", "S3", "S4", "S17", "--json", files[0]);
  await manykv(1, join(folder, "broken.mjs"), "--name", hostile, "--json", files[1]);
  await manykv(0, join(folder, "harness.mjs"), "--json", files[2], "--skip", `s04-pairs=${hostile}`);
  await manykv(0, "report", ...files, "--html", join(folder, "report.html"));
  results = files.map((file) => JSON.parse(readFileSync(file, "utf8")));
  browser = await launchBrowser();
}, 300_000);

afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

describe.each(devices)("the report on %s", (_, options) => {
  let page: Page;

  beforeEach(async () => {
    const opened = await openPage(browser, address(), options);
    page = opened.page;
    return opened.finish;
  });

  test("shows the figures of the JSON results", async () => {
    for (const [index, { backend, counts, seed, levels }] of results.entries()) {
      const card = page.locator(".card").nth(index);
      expect(await card.locator("h3").textContent()).toBe(backend);
      const figures = await card.locator("dd").allTextContents();
      expect(figures.slice(0, 3)).toEqual([counts.passed, counts.failed, counts.skipped].map(String));
      expect(figures).toContain(String(seed));
      const badges = await card.locator(".badge").allTextContents();
      expect(badges.map((text) => text.slice(2))).toEqual(Object.entries(levels).map((entry) => entry.join(" ")));
    }
    const rows = page.locator(".matrix tbody tr");
    expect(await rows.count()).toBe(new Set(results.flatMap((one) => one.results.map(({ rule }) => rule))).size);
    for (const row of await rows.all()) {
      const rule = (await row.locator(".rule").textContent()) as string;
      for (const [index, cell] of (await row.locator("td").all()).entries())
        expect(countsIn((await cell.textContent()) as string)).toEqual(countsOf(results[index] as Result, rule));
    }
  });

  test("opens each cell to its cases, with failures and reasons of skips, and closes it with the Escape key", async () => {
    const cells = await page.locator(".matrix a.cell").all();
    expect(cells.length).toBeGreaterThan(30);
    for (const cell of cells) {
      const [, rule, column] = /^#cases-(\w+)-(\d)$/.exec((await cell.getAttribute("href")) as string) ?? [];
      const all = (results[Number(column) - 1] as Result).results.filter((one) => one.rule === rule);
      await cell.focus();
      await page.keyboard.press("Enter");
      const dialog = page.locator("dialog[open]");
      expect(await dialog.count()).toBe(1);
      const shown = await dialog
        .locator(".case")
        .evaluateAll((items) =>
          items.map((item) => [
            item.querySelector("h3 code")?.textContent,
            item.querySelector(".status")?.textContent,
            item.querySelector(".message")?.textContent ?? item.querySelector(".reason")?.textContent,
          ]),
        );
      const expected = all.map(({ id, status, reason, failure }) => [
        id,
        status,
        failure?.message ?? (reason === undefined ? undefined : `Skipped: ${reason}`),
      ]);
      expect(sorted(shown)).toEqual(sorted(expected));
      await page.keyboard.press("Escape");
      expect(await page.locator("dialog[open]").count()).toBe(0);
      expect(await cell.evaluate((one) => one === document.activeElement)).toBe(true);
    }
  });

  test("leads from a failed case to its details", async () => {
    const links = page.locator(".failures a");
    expect(await links.count()).toBe(results.reduce((sum, { counts }) => sum + counts.failed, 0));
    await links.last().click();
    const focused = await page.evaluate(() => document.activeElement?.querySelector("code")?.textContent);
    expect(focused).toBe(await links.last().locator("code").textContent());
    expect(await page.evaluate(() => document.activeElement?.querySelector("pre")?.checkVisibility())).toBe(true);
  });

  test("needs no horizontal scrolling of the page, and reads text of others only as text", async () => {
    expect(await overflowOf(page)).toBe(0);
    await page.locator(".failures a").first().click();
    expect(await overflowOf(page)).toBe(0);
    expect(await page.locator("dialog[open]").evaluate((one) => one.scrollWidth - one.clientWidth)).toBe(0);
    expect(await page.title()).toContain(hostile);
    expect(await page.locator("img").count()).toBe(0);
  });

  test("has no accessibility problem that axe finds", async () => {
    expect(await accessibilityProblems(page)).toEqual([]);
    await page.locator(".matrix a.failed").first().click();
    expect(await accessibilityProblems(page)).toEqual([]);
  });

  test("uses the colors of the scheme", async () => {
    expect(await colorSchemeOf(page)).toBe(options.colorScheme);
  });
});

test("without scripts, the link of a cell shows its cases", async () => {
  const page = await browser.newPage({ javaScriptEnabled: false });
  await page.goto(address());
  await page.locator(".matrix a.failed").first().click();
  await page.locator("dialog:target .message").first().waitFor({ state: "visible" });
  await page.close();
});

function address(): string {
  return pathToFileURL(join(folder, "report.html")).href;
}

function countsOf({ results: all }: Result, rule: string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { rule: own, status } of all) if (own === rule) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

/** Reads the counts from a cell, such as `✕ 2 failed 11 passed`. */
function countsIn(text: string): Record<string, number> {
  const found = text.matchAll(/(\d+) (passed|failed|skipped)/g);
  return Object.fromEntries([...found].map(([, count, status]) => [status, Number(count)]));
}

function sorted(rows: readonly (readonly unknown[])[]): readonly string[] {
  return rows.map((row) => JSON.stringify(row)).sort();
}
