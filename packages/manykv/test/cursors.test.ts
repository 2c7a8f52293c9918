import { Buffer } from "node:buffer";
import { randomName } from "@manykv/test-services";
import { expect, test } from "vitest";
import { openStore } from "../src/index.js";
import { storeUrls } from "./support/stores.js";

// On every backend, the listing of so many keys of this length has several pages.
const keys = Array.from({ length: 3_000 }, (_, index) => `${index} ${"-".repeat(450)}`);

test.each(Object.entries({ memory: "memory:", ...storeUrls }))(
  "%s rejects a cursor of another bucket, which would silently skip keys, and a text that is no cursor",
  async (_, url) => {
    await using store = await openStore(url, { timeout: 60_000 });
    await store.provision();
    const [bucket, other] = [await store.open(randomName()), await store.open(randomName())];
    await bucket.setMany(keys.map((key) => [key, Buffer.from("v")]));
    const { cursor } = await bucket.listKeys();
    expect(cursor).toBeDefined();
    await expect(bucket.listKeys({ cursor })).resolves.toBeDefined();
    for (const [from, bad] of [
      [other, cursor],
      ...["", "k", "a2V5", " "].map((text) => [bucket, text] as const),
    ] as const) {
      await expect(from.listKeys({ cursor: bad }), bad).rejects.toMatchObject({
        code: "invalid-argument",
        message: expect.stringContaining("the cursor is invalid: pass a cursor that listKeys returned for this bucket"),
      });
    }
    await bucket.clear();
  },
);
