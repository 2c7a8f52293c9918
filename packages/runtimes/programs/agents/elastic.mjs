// Preload for Elastic's agent, which `--require elastic-apm-node/start.js` has started.
import { createRequire } from "node:module";

const agent = createRequire(import.meta.url)("elastic-apm-node");

globalThis.manykvAgent = {
  inTransaction: async (name, run) => {
    const transaction = agent.startTransaction(name);
    try {
      return await run();
    } finally {
      transaction.end();
    }
  },
  finish: () => agent.flush(),
};
