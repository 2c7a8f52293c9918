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

const { skip, ...harness } = await openHarness();
// A driver that is closed cannot cancel a lookup, which may end during a later test.
const lookupRemains = { "same-network-unknown-host": "Deno counts a DNS lookup that has not ended as a leak" };
conformanceSuite(runner, { ...harness, skip: { ...skip, ...(harness.name === "dynamodb" && lookupRemains) } });
