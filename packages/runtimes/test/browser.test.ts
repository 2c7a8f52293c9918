import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { type Browser, chromium as launcher, type Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { application } from "./support/application.js";
import { chromium } from "./support/chromium.js";

/** A page whose policy forbids code from strings. */
const page = `<!doctype html>
<meta http-equiv="Content-Security-Policy" content="script-src 'self'">
<script type="module" src="/main.js"></script>`;

let folder: string;
let server: Server;
let browser: Browser;
let tab: Page;
let errors: unknown[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "manykv-browser-"));
  // A page needs no backend with servers, so the application has none installed.
  for (const file of ["browser.mjs", "node_modules/manykv", "node_modules/@manykv/core", "node_modules/@manykv/memory"])
    cpSync(join(application, file), join(folder, file), { recursive: true });
  const { outputFiles } = await build({
    entryPoints: [join(folder, "browser.mjs")],
    bundle: true,
    minify: true,
    format: "esm",
    outdir: folder,
    write: false,
    logLevel: "error",
  });
  server = createServer(({ url }, response) => {
    const isPage = url === "/";
    response.writeHead(200, { "content-type": isPage ? "text/html" : "text/javascript" });
    response.end(isPage ? page : outputFiles[0]?.text);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // Chromium refuses to run as root in its sandbox.
  browser = await launcher.launch({ executablePath: await chromium(), chromiumSandbox: process.getuid?.() !== 0 });
}, 300_000);

afterAll(async () => {
  await browser?.close();
  server?.close();
  rmSync(folder, { recursive: true, force: true });
});

beforeEach(async () => {
  errors = [];
  tab = await browser.newPage();
  tab.on("pageerror", (error) => errors.push(error));
  await tab.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
});

test("a memory store works in a page", async () => {
  expect(await tab.evaluate("result")).toBe("walked");
  expect(errors).toEqual([]);
});

test("a memory store works in a worker of a page", async () => {
  const answer = tab.evaluate(`new Promise((resolve, reject) => {
    const worker = new Worker("/main.js", { type: "module" });
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = reject;
  })`);
  expect(await answer).toBe("walked");
  expect(errors).toEqual([]);
});
