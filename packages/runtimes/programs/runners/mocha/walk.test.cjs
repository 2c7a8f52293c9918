// Mocha, from a CommonJS file: Node.js can `require` ECMAScript modules.
const manykv = require("manykv");
const { createWalk, timeout, urls } = require("../create-walk.cjs");

const walk = createWalk(manykv);

for (const url of urls) {
  it(url, async function () {
    this.timeout(timeout);
    await walk(url);
  });
}
