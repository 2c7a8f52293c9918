import { memoryStore } from "@manykv/memory";
import { expect, test, vi } from "vitest";
import { withStore } from "../../src/command/with-bucket.js";
import { openStore } from "../../src/open-store.js";

vi.mock(import("../../src/open-store.js"));

test("withStore waits for the store to close before it resolves, but not before it rejects", async () => {
  let close = (): void => {};
  const closed = new Promise<void>((resolve) => {
    close = resolve;
  });
  const store = memoryStore();
  vi.mocked(openStore).mockResolvedValue({ ...store, close: vi.fn(() => closed) });
  const flags = { store: "memory:", timeout: 1000 };
  await expect(withStore(flags, () => Promise.reject(new Error("failed")))).rejects.toThrow("failed");
  const result = withStore(flags, async () => "done");
  const first = await Promise.race([result, new Promise((resolve) => setImmediate(resolve, "not yet"))]);
  expect(first).toBe("not yet");
  close();
  expect(await result).toBe("done");
});
