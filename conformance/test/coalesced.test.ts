import { createStore, type OpenOptions } from "@manykv/core";
import { describe, test } from "vitest";
import { conformanceSuite } from "../src/index.js";
import { type ReferenceData, referenceDriver } from "./reference-driver.js";

const data: ReferenceData = new Map();

// Runs the whole suite with `coalesce: true` on every bucket.
conformanceSuite(
  { describe: describe.concurrent, test },
  {
    name: "coalesced",
    driver: () => referenceDriver(data),
    createStore: (driver, options) => {
      const store = createStore(driver, options);
      const open = store.open.bind(store);
      return Object.assign(store, {
        open: (name: string, given?: OpenOptions) => open(name, given ?? { coalesce: true }),
      });
    },
  },
);
