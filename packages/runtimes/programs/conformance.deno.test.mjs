// The conformance suite under `deno test`, which has no groups. Deno fails a test that leaves timers or sockets open.
import { conformanceSuite } from "@manykv/conformance";
import { openHarness } from "./harness.mjs";

const groups = [];

function describe(name, body) {
  groups.push(name);
  body();
  groups.pop();
}

function define(name, fn, ignore) {
  Deno.test({ name: [...groups, name].join(" > "), fn, ignore, sanitizeOps: true, sanitizeResources: true });
}

const test = Object.assign((name, fn) => define(name, fn, false), { skip: (name, fn) => define(name, fn, true) });

const { skip, ...harness } = await openHarness();
// A driver that is closed cannot cancel a lookup, which may end during a later test.
const lookupRemains = { "same-network-unknown-host": "Deno counts a DNS lookup that has not ended as a leak" };
conformanceSuite({ describe, test }, { ...harness, skip: { ...skip, ...lookupRemains } });
