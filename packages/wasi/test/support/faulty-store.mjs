import { Random } from "@manykv/conformance/faults";
import { createStore } from "@manykv/core";
import { FaultError } from "@manykv/core/driver";

const secret = "hunter2 at 10.0.0.1";
const faults = [
  () => Promise.reject(new Error(secret)),
  () => Promise.reject(new TypeError(secret)),
  () => Promise.reject(secret),
  () => Promise.reject(undefined),
  () => Promise.reject({ payload: { tag: "made-up", val: secret } }),
  () => {
    throw new RangeError(secret);
  },
  () => Promise.reject(new FaultError({ code: "throttled", retryable: false, effect: "none", reason: secret })),
  () => Promise.resolve({ values: [] }),
  () => Promise.resolve(null),
  () => Promise.resolve({ faults: [{ index: 99, code: "internal", effect: "unknown", retryable: false }] }),
];

/** Opens a store whose requests fail in random ways. One of a hundred never settles. */
export default function openFaultyStore() {
  const random = new Random("faulty store");
  const methods = ["get", "exists", "set", "setIfAbsent", "delete", "list", "increment", "compareAndSwap"];
  const request = (answer) => () => {
    if (random.chance(0.01)) return new Promise(() => {});
    return random.chance(0.2) ? answer() : random.pick(faults)();
  };
  const driver = {
    name: "faulty",
    limits: {
      maxValueBytes: 1_000_000,
      get: { maxKeys: 100, maxBytes: 1_000_000 },
      set: { maxKeys: 100, maxBytes: 1_000_000 },
      delete: { maxKeys: 100, maxBytes: 1_000_000 },
      concurrency: 4,
    },
    classify: (error) =>
      error instanceof FaultError ? error.fault : { code: "internal", retryable: false, effect: "unknown" },
    close: async () => {},
  };
  for (const name of methods) driver[name] = request(() => Promise.resolve({ values: [undefined] }));
  return createStore(driver, { timeout: 30, retry: { attempts: 1 } });
}
