import { setTimeout as pause } from "node:timers/promises";
import type { ServerProcess, Supervisor } from "./supervisor.js";
import type { ServerSpecification } from "./supervisor-messages.js";

/** How often another port is tried when someone else took the one that was free a moment ago, or the same start again. */
const ATTEMPTS = 10;

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
  for (let attempt = 1; ; attempt++) {
    const port = await recipe.freePort();
    const specification = recipe.specification(port);
    try {
      return supervised(supervisor, recipe, port, await startOnce(supervisor, recipe, port));
    } catch (error) {
      const portTaken = /address already in use|EADDRINUSE/i.test(supervisor.logOf(specification));
      if (!portTaken || attempt === ATTEMPTS) throw error;
    }
  }
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
    current = await startAgain(supervisor, recipe, port);
  };
  return { port, kill, restart };
}

/** The processes that a killed Postgres had forked hold its memory until they have noticed, a moment later. */
async function startAgain(
  supervisor: Supervisor,
  recipe: ServerRecipe,
  port: number,
): Promise<ServerProcess> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOnce(supervisor, recipe, port);
    } catch (error) {
      if (!/memory block .* still in use/.test(String(error)) || attempt === ATTEMPTS) throw error;
      await pause(ORPHANS_PAUSE);
    }
  }
}
