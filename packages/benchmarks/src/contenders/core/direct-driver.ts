import type { Driver } from "@manykv/core";
import { randomName } from "@manykv/test-services";
import type { Contender } from "../../measure/contender.js";

/** A driver called without core: no check, no copy, no order, no deadline, no outcome. Leaves the driver open. */
export function directDriver(driver: Driver): Contender {
  const bucket = randomName();
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
