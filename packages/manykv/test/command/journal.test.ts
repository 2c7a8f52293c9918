import { expect, test } from "vitest";
import { Journal } from "../../src/command/copy/journal.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const folder = temporaryFolder();

test("two runs of one copy can save their journal at the same time", async () => {
  const path = folder.path("journal.json");
  const journals = [await Journal.open(path, "copy", false), await Journal.open(path, "copy", false)];
  for (let round = 0; round < 100; round++) await Promise.all(journals.map((journal) => journal.save()));
  await expect(Journal.open(path, "copy", false)).resolves.toBeDefined();
  await Promise.all(journals.map((journal) => journal.remove()));
  expect(folder.names()).toEqual([]);
});
