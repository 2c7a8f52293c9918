import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type DynamodbOptions, emulatorCredentials, emulatorRegion } from "../options.js";
import type { DedicatedDynamodb } from "../service.js";
import { waitUntil } from "../support/retry.js";
import { freePort } from "./free-port.js";
import { runServer } from "./run-server.js";
import { withSupervisor } from "./supervisor.js";
import type { ServerSpecification } from "./supervisor-messages.js";

const host = "127.0.0.1";
const dynaliteMain = fileURLToPath(new URL("./dynalite-main.js", import.meta.url));

/** Runs dynalite from npm on a free port. dynalite never throttles. */
export function dynamodbProcess(options: DynamodbOptions): Promise<DedicatedDynamodb> {
  return withSupervisor("dynamodb", async (supervisor) => {
    const specification = (port: number): ServerSpecification => ({
      command: process.execPath,
      args: [dynaliteMain, `${port}`, ...(options.durable ? [join(supervisor.directory, "tables")] : [])],
      name: `dynalite-${port}`,
      stopSignal: "SIGKILL",
    });
    const server = await runServer(supervisor, {
      name: "dynalite",
      freePort,
      specification,
      responds: async (port) => {
        await waitUntil(`dynalite did not respond on port ${port}`, 20_000, async () =>
          supervisor.logOf(specification(port)).includes(`listening on ${port}`) ? true : undefined,
        );
      },
    });
    return {
      source: "process",
      description: `local process dynalite ${dynaliteVersion()} at ${host}:${server.port}`,
      host,
      port: server.port,
      url: `http://${host}:${server.port}`,
      region: emulatorRegion,
      credentials: emulatorCredentials,
      kill: server.kill,
      restart: server.restart,
      stop: () => supervisor.stop(),
      [Symbol.asyncDispose]: () => supervisor.stop(),
    };
  });
}

function dynaliteVersion(): string {
  const require = createRequire(import.meta.url);
  return JSON.parse(readFileSync(require.resolve("dynalite/package.json"), "utf8")).version;
}
