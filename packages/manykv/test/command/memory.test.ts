import { randomName } from "@manykv/test-services";
import { serviceUrl } from "@manykv/test-services/vitest";
import { afterAll, expect, test } from "vitest";
import { openStore } from "../../src/index.js";
import { endOf, startCommand } from "../support/command.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const folder = temporaryFolder();
const url = serviceUrl("redis");
const bucket = randomName();

// Makes Node.js print the peak memory of the process in KiB when it exits.
const measuring = [
  "--import",
  'data:text/javascript,process.on("exit",()=>console.error("maxRSS",process.resourceUsage().maxRSS))',
];

afterAll(async () => {
  await using store = await openStore(url);
  const all = await store.open(bucket);
  for (let cursor: string | undefined, first = true; first || cursor !== undefined; first = false) {
    const page = await all.listKeys({ cursor });
    await all.deleteMany(page.keys);
    cursor = page.cursor;
  }
});

/** Returns the peak memory of a run, in MiB. */
async function memoryOf(args: readonly string[], input: Iterable<string> = []): Promise<number> {
  const child = startCommand(args, { store: url, node: measuring });
  const ended = endOf(child);
  for (const chunk of input) {
    if (child.stdin?.write(chunk) === false) await new Promise((resolve) => child.stdin?.once("drain", resolve));
  }
  child.stdin?.end();
  const { code, stderr } = await ended;
  expect(code).toBe(0);
  return Number(/maxRSS (\d+)/.exec(stderr)?.[1]) / 1024;
}

function* records(count: number): Generator<string> {
  for (let start = 0; start < count; start += 1000) {
    const numbers = Array.from({ length: 1000 }, (_, index) => start + index);
    yield numbers.map((number) => `{"key":"key:${number}","value":"${"x".repeat(100)}"}\n`).join("");
  }
}

test("the memory of import and export does not depend on the number of records", async () => {
  const [few, many] = [50_000, 500_000];
  const importFew = await memoryOf(["import", "-b", bucket], records(few));
  const exportFew = await memoryOf(["export", "-b", bucket, folder.path("few.ndjson")]);
  const importMany = await memoryOf(["import", "-b", bucket], records(many));
  const exportMany = await memoryOf(["export", "-b", bucket, folder.path("many.csv")]);
  // The long input has 60 MB, and its records in memory would take several times as much. V8 keeps up to 100 MB of
  // garbage: on Node.js 24, the process reaches 225 MB after 1,500,000 records and stays there until 4,000,000.
  expect(importMany - importFew).toBeLessThan(120);
  expect(exportMany - exportFew).toBeLessThan(120);
});
