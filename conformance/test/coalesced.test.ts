import { coalesce, createStore } from "@manykv/core";
import { describe, test } from "vitest";
import { conformanceSuite } from "../src/index.js";
import { type ReferenceData, referenceDriver } from "./reference-driver.js";

const data: ReferenceData = new Map();

// A wrapper of buckets runs the same suite: here one whose single calls travel together.
conformanceSuite(
  { describe, test },
  {
    name: "coalesced",
    driver: () => referenceDriver(data),
    createStore: (driver, options) => {
      const store = createStore(driver, options);
      return {
        open: async (name) => coalesce(await store.open(name)),
        provision: () => store.provision(),
        close: () => store.close(),
        [Symbol.asyncDispose]: () => store.close(),
      };
    },
  },
);
