import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { TestStage } from "../dist/test-stage.js";
import type { Mutant } from "../src/mutant.js";

test("a test that failed with one mutant does not count against the next one", async () => {
  const stage = new TestStage(fileURLToPath(new URL("fixtures/two-files", import.meta.url)), [], {});
  try {
    const run = (id: string) => stage.run({ id } as Mutant);
    expect(await run("1")).toEqual({ status: "killed", by: "second" });
    expect(await run("2")).toEqual({ status: "survived" });
    expect(await run("3")).toEqual({ status: "uncovered" });
  } finally {
    stage.close();
  }
});
