// node:test, with real timers and with the fake ones of `mock.timers`.
import { mock, test } from "node:test";
import * as manykv from "manykv";
import { createWalk, timeout, urls } from "../create-walk.cjs";

const walk = createWalk(manykv);

for (const url of urls) {
  test(url, { timeout }, () => walk(url));
  test(`${url} with fake timers`, { timeout }, async () => {
    mock.timers.enable();
    await walk(url);
    mock.timers.reset();
  });
}
