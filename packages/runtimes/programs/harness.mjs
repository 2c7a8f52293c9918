// The harness of the conformance suite for the target in MANYKV_TARGET.
import { skipSubject } from "@manykv/conformance";
import { openDriver, openStore, serversOf } from "./stores.mjs";

const coreCases = skipSubject("core", "the run on memory tests core");

/** Creates the target's table and returns the harness. */
export async function openHarness() {
  const target = JSON.parse(process.env["MANYKV_TARGET"]);
  const store = await openStore(target);
  await store.provision();
  await store.close();
  // A cluster announces its own addresses, so only a client of the program can connect through proxies.
  const servers = target.backend === "redis-cluster" && target.ownership === "own" ? undefined : serversOf(target);
  return {
    name: target.backend,
    modelRuns: 16,
    skip: { ...target.skip, ...(target.backend !== "memory" && coreCases) },
    driver: (route) => openDriver(target, route),
    ...(servers && { servers }),
  };
}
