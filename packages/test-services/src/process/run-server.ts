import { setTimeout as pause } from "node:timers/promises";
import { startAgain } from "../support/start-again.js";
import type { ServerProcess, Supervisor } from "./supervisor.js";
import type { ServerSpecification } from "./supervisor-messages.js";

/** Between two attempts to start a server whose former processes are still ending, in milliseconds. */
const ORPHANS_PAUSE = 300;

export interface RunningServer {
  readonly port: number;
  kill(): Promise<void>;
  restart(): Promise<void>;
}

export interface ServerRecipe {
  /** Names the server in errors. */
  name: string;
  freePort(): Promise<number>;
  specification(port: number): ServerSpecification;
  /**
   * Resolves when this very process answers, and not someone who took the port before it; rejects when it does
   * not in time.
   */
  answers(port: number, pid: number): Promise<void>;
}

/** Starts a server under the supervisor, waits until it answers, and takes another port when one is taken. */
export async function runServer(supervisor: Supervisor, recipe: ServerRecipe): Promise<RunningServer> {
  let port = 0;
  return startAgain(
    async () => {
      port = await recipe.freePort();
      return supervised(supervisor, recipe, port, await startOnce(supervisor, recipe, port));
    },
    () => /address already in use|EADDRINUSE/i.test(supervisor.logOf(recipe.specification(port))),
  );
}

async function startOnce(supervisor: Supervisor, recipe: ServerRecipe, port: number): Promise<ServerProcess> {
  const specification = recipe.specification(port);
  const server = await supervisor.spawn(specification);
  const endedEarly = server.exited.then(() => {
    throw new Error(`${recipe.name} ended at once. It wrote:\n${supervisor.logOf(specification)}`);
  });
  await Promise.race([recipe.answers(port, server.pid), endedEarly]);
  return server;
}

function supervised(
  supervisor: Supervisor,
  recipe: ServerRecipe,
  port: number,
  first: ServerProcess,
): RunningServer {
  let current = first;
  const kill = () => supervisor.kill(current);
  const restart = async () => {
    await kill();
    current = await startAgain(() => startOnce(supervisor, recipe, port), orphansWillEnd);
  };
  return { port, kill, restart };
}

/** The processes that a killed Postgres had forked hold its memory until they have noticed, a moment later. */
async function orphansWillEnd(error: unknown): Promise<boolean> {
  if (!/memory block .* still in use/.test(String(error))) return false;
  await pause(ORPHANS_PAUSE);
  return true;
}
