import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DYNAMODB_REGION, type DynamodbOptions, EMULATOR_CREDENTIALS } from "../dynamodb-options.js";
import type { DedicatedDynamodb } from "../service.js";
import { settle } from "../support/settle.js";
import { freePort } from "./free-port.js";
import { orStop } from "./or-stop.js";
import { runServer } from "./run-server.js";
import { Supervisor } from "./supervisor.js";
import type { ServerSpecification } from "./supervisor-messages.js";

const HOST = "127.0.0.1";
const DYNALITE = fileURLToPath(new URL("./dynalite-main.js", import.meta.url));

/** dynalite from npm in a process of its own, on a free port. It never throttles. */
export async function dynamodbProcess(options: DynamodbOptions): Promise<DedicatedDynamodb> {
  const supervisor = await Supervisor.start("dynamodb");
  return orStop(supervisor, async () => {
    const specification = (port: number): ServerSpecification => ({
      command: process.execPath,
      args: [DYNALITE, `${port}`, ...(options.durable ? [join(supervisor.directory, "tables")] : [])],
      name: `dynalite-${port}`,
      stopSignal: "SIGKILL",
    });
    const server = await runServer(supervisor, {
      name: "dynalite",
      freePort,
      specification,
      answers: async (port) => {
        await settle(`dynalite did not answer at port ${port}`, 20_000, async () =>
          supervisor.logOf(specification(port)).includes(`listening at ${port}`) ? true : undefined,
        );
      },
    });
    return {
      source: "process",
      description: `local process dynalite ${dynaliteVersion()} at ${HOST}:${server.port}`,
      host: HOST,
      port: server.port,
      url: `http://${HOST}:${server.port}`,
      region: DYNAMODB_REGION,
      credentials: EMULATOR_CREDENTIALS,
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
