export default { test: { include: ["walk.test.mjs"], reporters: ["default"] } };
