/// <reference lib="dom" />
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { serviceUrl } from "@manykv/test-services/vitest";
import type { Browser, Locator, Page } from "playwright-core";
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

/** What the test reads from the JSON result. */
interface Result {
  readonly options: { readonly sizes: readonly number[]; readonly operations: readonly string[] };
  readonly deployments: readonly {
    readonly name: string;
    readonly label: string;
    readonly roundTrip: Quantiles;
    readonly breakEven: Readonly<Record<string, number | null>>;
    readonly results: readonly {
      readonly operation: string;
      readonly size: number;
      readonly batch: Figures;
      readonly single: Figures;
      readonly speedup: Quantiles;
    }[];
  }[];
}

type Quantiles = Readonly<Record<"p5" | "p50" | "p95", number>>;

interface Figures {
  readonly milliseconds: Quantiles;
  readonly keysPerSecond: number;
  readonly roundTrips: number;
}

/** Markup that would run a script, load a file or end an element if the page contained it without escaping. */
const hostile = `</title></svg><img src="https://example.com/x.png" onerror="document.title='hostile'"><script>1</script>`;

const command = fileURLToPath(new URL("../../manykv/dist/command/main.js", import.meta.url));

let folder: string;
let result: Result;
let browser: Browser;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "manykv-bench-"));
  const files = ["--json", join(folder, "bench.json"), "--html", join(folder, "bench.html")];
  const urls = [serviceUrl("redis"), serviceUrl("postgres"), "memory:"];
  const names = ["--names", `redis,postgres,${hostile}`];
  const limits = ["--sizes", "1,2,10,100", "--rounds", "10", "--provision"];
  const { output, exitCode } = await run(process.execPath, [command, "bench", ...urls, ...names, ...limits, ...files]);
  expect(exitCode, output).toBe(0);
  result = JSON.parse(readFileSync(join(folder, "bench.json"), "utf8"));
  browser = await launchBrowser();
}, 300_000);

afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

describe.each(devices)("the page on %s", (_, options) => {
  let page: Page;

  beforeEach(async () => {
    const opened = await openPage(browser, address(), options);
    page = opened.page;
    return opened.finish;
  });

  test("shows the figures of the JSON result in tables", async () => {
    const { options, deployments } = result;
    const tables = page.locator("table.figures");
    expect(await tables.count()).toBe(options.operations.length);
    for (const [place, operation] of options.operations.entries()) {
      const table = tables.nth(place);
      expect(await table.locator("th[scope=colgroup]").allTextContents()).toEqual(
        deployments.map(({ label }) => label),
      );
      const rows = table.locator("tbody tr");
      expect(await rows.locator("th").allTextContents()).toEqual(options.sizes.map(String));
      for (const [index, size] of options.sizes.entries()) {
        const figures = await figuresIn(rows.nth(index));
        const expected = deployments.flatMap(({ results }) => {
          const found = results.find((each) => each.operation === operation && each.size === size);
          if (found === undefined) throw new Error(`The JSON result has no ${operation} of ${size} keys`);
          const { batch, single, speedup } = found;
          return [
            ...[batch, single].flatMap(({ milliseconds: { p50, p5, p95 } }) => [p50, p5, p95]),
            speedup.p50,
            batch.roundTrips,
            batch.keysPerSecond,
            single.keysPerSecond,
          ];
        });
        expect(figures).toEqual(expected);
      }
    }
  });

  test("shows the round trip and the break-even point of each store", async () => {
    for (const [index, { name, label, roundTrip, breakEven }] of result.deployments.entries()) {
      const card = page.locator(".card").nth(index);
      expect(await card.locator("h3").textContent()).toBe(label);
      expect(await card.locator(".server").first().textContent()).toBe(name);
      expect(await figuresIn(card)).toEqual([roundTrip.p50, roundTrip.p5, roundTrip.p95]);
      const sizes = Object.entries(breakEven).map(
        ([operation, size]) => `${operation} ${size === null ? "at no size" : `from ${size}`}`,
      );
      expect(await card.locator("dd").nth(2).textContent()).toBe(sizes.join(", "));
    }
  });

  test("draws a line for batches, single calls and the round trip of each store, and marks the break-even point", async () => {
    const {
      deployments,
      options: { operations, sizes },
    } = result;
    const charts = page.locator("figure svg");
    expect(await charts.count()).toBe(2 * operations.length);
    for (const [index, chart] of (await charts.all()).entries()) {
      const operation = operations[index % operations.length] as string;
      for (const kind of ["batch", "single", "trip"]) {
        const paths = await chart
          .locator(`.${kind} path`)
          .evaluateAll((all) => all.map((one) => one.getAttribute("d")));
        expect(paths.length).toBe(deployments.length);
        for (const path of paths)
          expect(path).toMatch(new RegExp(`^M[\\d.]+,[\\d.]+(L[\\d.]+,[\\d.]+){${sizes.length - 1}}$`));
      }
      expect(await chart.locator("circle").count()).toBe(deployments.length * sizes.length);
      const marked = deployments.filter(({ breakEven }) => breakEven[operation] !== null);
      expect(await chart.locator(".break-even").count()).toBe(marked.length);
      const { width, height } = (await chart.boundingBox()) as { width: number; height: number };
      expect(width).toBeGreaterThan(240);
      expect(height).toBeGreaterThan(180);
    }
  });

  test("needs no horizontal scrolling of the page, and reads text of others only as text", async () => {
    expect(await overflowOf(page)).toBe(0);
    expect(await page.title()).toContain(hostile);
    expect(await page.locator("img, script").count()).toBe(0);
  });

  test("has no accessibility problem that axe finds", async () => {
    expect(await accessibilityProblems(page)).toEqual([]);
  });

  test("uses the colors of the scheme", async () => {
    expect(await colorSchemeOf(page)).toBe(options.colorScheme);
  });
});

function address(): string {
  return pathToFileURL(join(folder, "bench.html")).href;
}

/** Reads figures from their texts, which show a few digits, and returns the exact values that belong to the texts. */
async function figuresIn(element: Locator): Promise<number[]> {
  const figures = await element
    .locator("data")
    .evaluateAll((all) => all.map((one) => [one.textContent, Number((one as HTMLDataElement).value)] as const));
  for (const [text, value] of figures)
    expect([Math.round(value).toLocaleString("en-US"), value.toPrecision(value >= 1 ? 3 : 2)]).toContain(text);
  return figures.map(([, value]) => value);
}
