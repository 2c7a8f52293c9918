import assert from "node:assert/strict";
import { createRequest, type ListAnswer, type WriteAnswer } from "@manykv/core/driver";
import type { ConformanceCase } from "../conformance-case.js";
import { sendSet } from "../faults/wrap-driver.js";
import { smokeId } from "../levels.js";
import { bytes, sameBytes } from "../support/bytes.js";

/**
 * The smoke case. It runs first, and if it fails, no other case runs. It calls the driver without core, so that it fails
 * with the driver's own exception.
 */
export const smokeCase: ConformanceCase = {
  id: smokeId,
  rule: "driver",
  subject: "driver",
  title: "the driver sets, gets, lists and deletes one key",
  async run(context) {
    const driver = await context.driver();
    const bucket = context.bucketName();
    const keys = ["key"];
    assertSucceeded(await sendSet(driver, createRequest({ bucket, keys, values: [bytes("value")] })), "set");
    const got = await driver.get(createRequest({ bucket, keys }));
    assertSucceeded(got, "get");
    sameBytes(got.values[0], bytes("value"), "the value that get returns");
    const listed = new Set<string>();
    for (let page: ListAnswer | undefined; page === undefined || page.cursor !== undefined; ) {
      page = await driver.list(createRequest({ bucket, cursor: page?.cursor }));
      for (const key of page.keys) listed.add(key);
    }
    assert.deepEqual([...listed], keys, "list must return the only key of the bucket");
    assertSucceeded(await driver.delete(createRequest({ bucket, keys })), "delete");
    const after = await driver.get(createRequest({ bucket, keys }));
    assertSucceeded(after, "get");
    assert.deepEqual([...after.values], [undefined], "get must not return a deleted key");
  },
};

export const smokeCases: readonly ConformanceCase[] = [smokeCase];

function assertSucceeded({ unprocessed = [], faults = [] }: WriteAnswer, method: string): void {
  assert.deepEqual(unprocessed, [], `${method} must process the key`);
  assert.deepEqual(faults, [], `${method} must report no fault`);
}
