// Jest with ECMAScript modules: NODE_OPTIONS=--experimental-vm-modules.
import { jest } from "@jest/globals";
import * as manykv from "manykv";
import { createWalk, timeout, urls } from "../create-walk.cjs";

const walk = createWalk(manykv);

test.each(urls)("%s", (url) => walk(url), timeout);

test.each(urls)(
  "%s with fake timers",
  async (url) => {
    jest.useFakeTimers({ doNotFake: ["nextTick"] });
    await walk(url);
    jest.useRealTimers();
  },
  timeout,
);
