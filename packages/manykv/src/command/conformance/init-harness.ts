import { writeFile } from "node:fs/promises";
import { CommandError, exitCode, hasCode, withFileError } from "../errors.js";
import { openStandardOutput } from "../output.js";
import { printMessage } from "../terminal.js";

/** Writes a harness module that works as it is, for `-` to standard output. Does not replace an existing file. */
export async function initHarness(path: string, stop: AbortSignal): Promise<void> {
  if (path === "-") return (await openStandardOutput(stop)).write(harnessModule);
  await withFileError("write", path, async () => {
    try {
      await writeFile(path, harnessModule, { flag: "wx" });
    } catch (error) {
      if (!hasCode(error, "EEXIST")) throw error;
      throw new CommandError(exitCode.file, `${JSON.stringify(path)} exists: pass another name to --init`);
    }
  });
  printMessage(`wrote ${path}. Run the suite with: manykv conformance ${path}`);
}

const harnessModule = `// A harness for the conformance suite of manykv. Run the suite with:
//
//   manykv conformance THIS-FILE
//
// The driver below stores keys in this process, so the suite works right away. Replace it with your own driver. The
// comments in the type \`Driver\` of @manykv/core/driver say what a driver must do.

/** The data of the engine. All clients of a harness must access the same data. */
const buckets = new Map();

/**
 * Creates a client.
 *
 * @returns {import("@manykv/core/driver").Driver}
 */
function exampleDriver() {
  const dataOf = (bucket) => {
    if (!buckets.has(bucket)) buckets.set(bucket, new Map());
    return buckets.get(bucket);
  };
  return {
    name: "example",
    // Core splits larger batches into several requests.
    limits: Object.freeze({
      maxValueBytes: 1_048_576,
      get: Object.freeze({ maxKeys: 1_000, maxBytes: 4_194_304 }),
      set: Object.freeze({ maxKeys: 1_000, maxBytes: 4_194_304 }),
      delete: Object.freeze({ maxKeys: 1_000, maxBytes: 4_194_304 }),
      concurrency: 1,
    }),
    async get({ bucket, keys }) {
      await turn();
      const data = dataOf(bucket);
      // Returned values must share no memory with the stored ones, so copy them.
      return { values: keys.map((key) => (data.has(key) ? new Uint8Array(data.get(key)) : undefined)) };
    },
    async set({ bucket, keys, values }) {
      await turn();
      for (const [index, key] of keys.entries()) dataOf(bucket).set(key, new Uint8Array(values[index]));
      return {}; // The engine acknowledged every key. Report others in \`unprocessed\` or \`faults\`.
    },
    async delete({ bucket, keys }) {
      await turn();
      for (const key of keys) dataOf(bucket).delete(key);
      return {};
    },
    async list({ bucket, prefix, cursor = "" }) {
      await turn();
      // The cursor contains the last key of the previous page, so that changes between two pages do not affect it.
      const keys = [...dataOf(bucket).keys()].filter((key) => key.startsWith(prefix) && \`after \${key}\` > cursor).sort();
      const page = keys.slice(0, 1_000);
      return keys.length > page.length ? { keys: page, cursor: \`after \${page.at(-1)}\` } : { keys: page };
    },
    async close() {},
    // Translates an error of the engine: its code, whether a retry may help, and whether a write may have taken effect.
    classify: () => ({ code: "internal", retryable: false, effect: "unknown" }),
  };
}

/** Lets other work run between two requests. A driver that waits for its server does so anyway. */
function turn() {
  return new Promise((resolve) => setImmediate(resolve));
}

/** @type {import("@manykv/conformance").ConformanceHarness} */
export default {
  name: "example",
  driver: () => exampleDriver(),

  // The addresses of your servers. The suite then also breaks connections, through a proxy in front of each server. Connect
  // the driver to the address that \`route\` returns:
  //
  //   servers: [{ host: "127.0.0.1", port: 7000 }],
  //   driver: (route) => exampleDriver(route({ host: "127.0.0.1", port: 7000 })),

  // Cases that your engine cannot pass, with the reason:
  //
  //   skip: { "s09-network-late-write": "the engine cannot stop a request whose response was lost" },

  // For all fields, see the README of @manykv/conformance.
};

/** Ends what this module started, such as a server. The command calls it after the run. */
export async function close() {}
`;
