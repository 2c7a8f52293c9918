// The conformance suite in Jest with its default settings.
const { conformanceSuite } = require("@manykv/conformance");
const { memoryDriver } = require("@manykv/memory");
const { sharing } = require("../../sharing.cjs");

const memory = memoryDriver();

conformanceSuite({ describe, test }, { name: "memory", modelRuns: 16, driver: () => sharing(memory) });
