// Preload for New Relic's agent, which `--require newrelic` has started. Prints the segments of each transaction.
import { createRequire } from "node:module";

const newrelic = createRequire(import.meta.url)(process.env["MANYKV_AGENT"]);
const segments = new Map();

newrelic.agent.on("transactionFinished", ({ trace }) => count(trace.segments.root));

function count({ segment, children }) {
  segments.set(segment.name, (segments.get(segment.name) ?? 0) + 1);
  for (const child of children) count(child);
}

globalThis.manykvAgent = {
  inTransaction: (name, run) => newrelic.startBackgroundTransaction(name, run),
  finish: async () => console.log("segments", JSON.stringify(Object.fromEntries(segments))),
};
