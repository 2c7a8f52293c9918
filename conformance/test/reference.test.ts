import { changeRequest, type Driver } from "@manykv/core/driver";
import { describe, test } from "vitest";
import { wrapDriver } from "../src/faults.js";
import { conformanceSuite } from "../src/index.js";
import { knownServer, wrongPassword, wrongPort } from "./mutants/mutant.js";
import { type ReferenceData, referenceDriver } from "./reference-driver.js";
import { referenceFailures } from "./reference-failures.js";

const data: ReferenceData = new Map();
/** 300 buckets of other programs. */
const sharedData: ReferenceData = new Map(
  Array.from({ length: 300 }, (_, index) => [`foreign-${index}`, new Map([["key", new Uint8Array(1)]])]),
);

conformanceSuite(
  { describe: describe.concurrent, test },
  {
    name: "reference",
    driver: () => referenceDriver(data),
    refusals: [wrongPassword(() => referenceDriver(data))],
    variants: [{ what: "another client", driver: () => referenceDriver(data) }],
    knownServers: [knownServer(data)],
    invalidSettings: [{ what: "a wrong port", driver: wrongPort }],
    engineFailures: referenceFailures(
      () => referenceDriver(data),
      (engine) => engine,
    ),
  },
);

// Runs the suite again with `prepareSet`, because core then handles values differently. Listings behave as on a large
// shared server, because a case must not take the first page for the whole listing or depend on what others store.
conformanceSuite(
  { describe: describe.concurrent, test },
  { name: "shared reference", driver: () => preparingDriver(referenceDriver(sharedData, { smallPages: true })) },
);

function preparingDriver(inner: Driver): Driver {
  return wrapDriver(inner, {
    prepareSet: (_bucket, _keys, values) => values.map((value) => new Uint8Array(value)),
    set: (request) => {
      const { values, prepared = values } = request;
      return inner.set(changeRequest(request, { values: prepared as readonly Uint8Array[] }));
    },
  });
}
