// Jest with its default settings: CommonJS.
const manykv = require("manykv");
const { createWalk, timeout, urls } = require("../create-walk.cjs");

const walk = createWalk(manykv);

test.each(urls)("%s", (url) => walk(url), timeout);
