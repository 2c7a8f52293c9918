import assert from "node:assert/strict";
import { createStore, type StoreOptions } from "@manykv/core";
import { changeRequest } from "@manykv/core/driver";
import { expect, test } from "vitest";

import { differential } from "../src/index.js";
import { referenceDriver } from "./reference-driver.js";

const options: StoreOptions = { limits: { maxValueBytes: 2_000 } };

function referenceStore(): ReturnType<typeof createStore> {
  return createStore(referenceDriver(new Map()), options);
}

test("finds no difference between two stores of the same kind", async () => {
  const { cases } = await differential({
    subject: referenceStore(),
    reference: referenceStore(),
    cases: 5_000,
  });
  expect(cases).toBeGreaterThanOrEqual(5_000);
});

test("finds a backend that merges keys, and reports the seed and a counterexample", async () => {
  const inner = referenceDriver(new Map());
  const folded = createStore(
    {
      ...inner,
      set: (request) => inner.set(changeRequest(request, { keys: request.keys.map((key) => key.normalize()) })),
    },
    options,
  );
  const run = differential({ subject: folded, reference: referenceStore(), seed: 1 });
  const error = await run.then(
    () => assert.fail("`differential` must reject, because the stores differ"),
    (reason: unknown) => reason as Error,
  );
  expect(error.message).toMatch(/differential seed 1/);
  expect(error.message).toMatch(
    /must return the same result as on the reference store\n {2}expected: .*\n {2}actual: /,
  );
  expect(error.message).toMatch(/after these calls on a new bucket:\n {2}1\. bucket [12]: /);
});

test("rejects stores with different limits", async () => {
  const other = createStore(referenceDriver(new Map()));
  await expect(differential({ subject: other, reference: referenceStore() })).rejects.toThrow(/same limits/);
});
