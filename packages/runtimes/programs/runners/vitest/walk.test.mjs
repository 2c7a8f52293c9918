// Vitest, with real and with fake timers, as `vi.useFakeTimers()` installs them.
import * as manykv from "manykv";
import { afterEach, describe, test, vi } from "vitest";
import { createWalk, timeout, urls } from "../create-walk.cjs";

const walk = createWalk(manykv);

test.each(urls)("%s", { timeout }, (url) => walk(url));

describe("with fake timers", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  test.each(urls)("%s", { timeout }, async (url) => {
    vi.useFakeTimers();
    await walk(url);
  });
});
