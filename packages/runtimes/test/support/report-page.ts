/// <reference lib="dom" />
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type Browser, type BrowserContextOptions, chromium as launcher, type Page } from "playwright-core";
import { expect } from "vitest";
import { chromium } from "./chromium.js";

export async function launchBrowser(): Promise<Browser> {
  // Chromium refuses to run as root in its sandbox.
  return launcher.launch({ executablePath: await chromium(), chromiumSandbox: process.getuid?.() !== 0 });
}

/** A phone in dark mode and a desktop in light mode, with the names for the titles of tests. */
export const devices = [
  ["a phone in dark mode", { viewport: { width: 360, height: 740 }, colorScheme: "dark" }],
  ["a desktop", { viewport: { width: 1280, height: 900 }, colorScheme: "light" }],
] as const satisfies readonly (readonly [string, BrowserContextOptions])[];

/**
 * Opens a page. `finish` closes it, and fails if there was a message on the console, an error or a further request since the
 * page was opened.
 */
export async function openPage(
  browser: Browser,
  address: string,
  options: BrowserContextOptions,
): Promise<{ readonly page: Page; readonly finish: () => Promise<void> }> {
  const problems: string[] = [];
  const page = await browser.newPage(options);
  page.on("console", (message) => problems.push(message.text()));
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("request", (request) => {
    if (request.url() !== address && !request.url().startsWith("data:")) problems.push(request.url());
  });
  await page.goto(address);
  const finish = async (): Promise<void> => {
    expect(problems).toEqual([]);
    await page.close();
  };
  return { page, finish };
}

/** Returns how many pixels of the page are outside the window, horizontally. */
export function overflowOf(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

/** Returns the scheme that the background of the page belongs to. */
export async function colorSchemeOf(page: Page): Promise<"light" | "dark"> {
  const channels = await page.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g));
  const brightness = (channels ?? []).slice(0, 3).reduce((sum, channel) => sum + Number(channel), 0) / 3;
  return brightness > 128 ? "light" : "dark";
}

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string }[];
}

const axeScript = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Returns the accessibility problems that axe finds, each with the elements that have it. */
export async function accessibilityProblems(page: Page): Promise<unknown[]> {
  await page.evaluate(axeScript);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } };
    const { violations } = await axe.run();
    return violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]);
  });
}
