import { runChild } from "@manykv/conformance/child";
import { FaultError } from "@manykv/core/driver";

const unknown = { code: "internal", retryable: false, effect: "unknown" };

/** Creates the simplest driver. `bug` is the bug that a mutant adds. */
function createDriver({ bug }) {
  const size = { maxKeys: 1_000, maxBytes: 1_000_000 };
  const data = new Map();
  const keepAlive = () => setTimeout(() => {}, 3_600_000);
  const wait = async () => {
    if (bug === "waits with a global timer") await new Promise((resolve) => setTimeout(resolve, 1));
    if (bug === "assigns a name to an error") new Error("an error").name = "RefusedError";
  };
  if (bug === "keeps a timer while idle") keepAlive();
  return {
    name: "child",
    limits: Object.freeze({ maxValueBytes: 1_000_000, get: size, set: size, delete: size, concurrency: 1 }),
    get: async ({ keys }) => {
      await wait();
      return { values: keys.map((key) => data.get(key)?.slice()) };
    },
    set: async ({ keys, values }) => {
      if (bug === "throws in set") throw new FaultError(unknown, "failed", { cause: new Error("Unknown column") });
      for (const [index, key] of keys.entries()) data.set(key, values[index].slice());
      return {};
    },
    delete: async ({ keys }) => {
      for (const key of keys) data.delete(key);
      return {};
    },
    list: async () => ({ keys: [...data.keys()] }),
    close: async () => {
      if (bug === "keeps a timer after close") keepAlive();
      if (bug === "keeps an idle timer after close") keepAlive().unref();
    },
    classify: () => unknown,
  };
}

await runChild(createDriver);
