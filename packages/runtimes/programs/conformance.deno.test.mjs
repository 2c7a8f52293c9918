// The conformance suite under `deno test`, which has no groups. Deno fails a test that leaves timers or sockets open.
import { conformanceSuite } from "@manykv/conformance";
import { openHarness } from "./harness.mjs";

const harness = await openHarness();
// On DynamoDB, timers of broken connections end later than the test. Other tests check that none keeps the process alive.
const checksLeaks = harness.name !== "dynamodb";
const groups = [];
const runner = {
  describe(name, body) {
    groups.push(name);
    body();
    groups.pop();
  },
  test(name, fn) {
    Deno.test({ name: [...groups, name].join(" > "), fn, sanitizeOps: checksLeaks, sanitizeResources: checksLeaks });
  },
};

conformanceSuite(runner, harness);
