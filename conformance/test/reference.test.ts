import type { Driver } from "@manykv/core/driver";
import { describe, test } from "vitest";
import { changeRequest, wrapDriver } from "../src/faults.js";
import { conformanceSuite } from "../src/index.js";
import { wrongPassword } from "./mutants/mutant.js";
import { type ReferenceData, referenceDriver } from "./reference-driver.js";

const data: ReferenceData = new Map();
const preparedData: ReferenceData = new Map();

conformanceSuite(
  { describe, test },
  {
    name: "reference",
    driver: () => referenceDriver(data),
    refusals: [wrongPassword(() => referenceDriver(data))],
  },
);

// Runs the suite again with `prepareSet`, because core then handles values differently.
conformanceSuite(
  { describe, test },
  { name: "preparing reference", driver: () => preparingDriver(referenceDriver(preparedData)) },
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
