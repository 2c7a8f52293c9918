// The conformance suite under `deno test`, which has no groups. Deno fails a test that leaves timers or sockets open.
import { conformanceSuite } from "@manykv/conformance";
import { openHarness } from "./harness.mjs";

const groups = [];
const runner = {
  describe(name, body) {
    groups.push(name);
    body();
    groups.pop();
  },
  test(name, fn) {
    Deno.test({ name: [...groups, name].join(" > "), fn, sanitizeOps: true, sanitizeResources: true });
  },
};

conformanceSuite(runner, await openHarness());
