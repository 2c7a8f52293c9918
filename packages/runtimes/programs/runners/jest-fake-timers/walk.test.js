// Jest with fake timers. ioredis and pg call process.nextTick, so it must stay real.
const manykv = require("manykv");
const { createWalk, timeout, urls } = require("../create-walk.cjs");

const walk = createWalk(manykv);

test.each(urls)(
  "%s",
  async (url) => {
    jest.useFakeTimers({ doNotFake: ["nextTick"] });
    await walk(url);
    jest.useRealTimers();
  },
  timeout,
);

test("a memory store needs no setting", async () => {
  jest.useFakeTimers();
  await walk("memory:");
  jest.useRealTimers();
});
