import { setTimeout as sleep } from "node:timers/promises";
import { retryStart } from "../support/retry.js";
import type { ServerProcess, Supervisor } from "./supervisor.js";
import type { ServerSpecification } from "./supervisor-messages.js";

export interface RunningServer {
  readonly port: number;
  kill(): Promise<void>;
  restart(): Promise<void>;
}

export interface ServerRecipe {
  /** Name of the server in errors. */
  name: string;
  freePort(): Promise<number>;
  specification(port: number): ServerSpecification;
  /** Resolves when the process `pid` responds on the port. Other processes do not count. Rejects after a timeout. */
  responds(port: number, pid: number): Promise<void>;
}

/** Starts a server and waits until it responds. Tries another port if the port is in use. */
export async function runServer(supervisor: Supervisor, recipe: ServerRecipe): Promise<RunningServer> {
  let port = 0;
  let current = await retryStart(
    async () => {
      port = await recipe.freePort();
      return start(supervisor, recipe, port);
    },
    () => /address already in use|EADDRINUSE/i.test(supervisor.logOf(recipe.specification(port))),
  );
  const kill = () => supervisor.kill(current);
  const restart = async () => {
    await kill();
    current = await retryStart(() => start(supervisor, recipe, port), workersWillEnd);
  };
  return { port, kill, restart };
}

async function start(supervisor: Supervisor, recipe: ServerRecipe, port: number): Promise<ServerProcess> {
  const specification = recipe.specification(port);
  const server = await supervisor.spawn(specification);
  const ended = server.exited.then(() => {
    throw new Error(`${recipe.name} exited during startup. Its log:\n${supervisor.logOf(specification)}`);
  });
  await Promise.race([recipe.responds(port, server.pid), ended]);
  return server;
}

/** How long to wait for the workers of a killed Postgres server before the next attempt, in ms. */
const workersEndWithin = 300;

/** Returns whether a start failed because workers of a killed server still use shared memory. If so, waits. */
async function workersWillEnd(error: unknown): Promise<boolean> {
  if (!/memory block .* still in use/.test(String(error))) return false;
  await sleep(workersEndWithin);
  return true;
}
