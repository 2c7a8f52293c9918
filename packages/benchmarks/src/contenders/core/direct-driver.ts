import type { Driver } from "@manykv/core";
import type { Contender } from "../../measure/contender.js";
import { ownName } from "../own-name.js";

/** A driver called without core: no check, no copy, no order, no deadline, no outcome. Leaves the driver open. */
export function directDriver(driver: Driver): Contender {
  const bucket = ownName();
  const { signal } = new AbortController();
  const deadline = Infinity;
  return {
    name: "driver called directly",
    kind: "floor",
    prepare: ({ keys, values, readKeys }) => ({
      set: () => driver.set({ bucket, keys, values, signal, deadline }),
      get: async () => {
        const answer = await driver.get({ bucket, keys: readKeys, signal, deadline });
        return () => answer.values;
      },
      delete: () => driver.delete({ bucket, keys, signal, deadline }),
    }),
    close: async () => {},
  };
}
