import type { Supervisor } from "./supervisor.js";

/** Runs a start under a supervisor and leaves nothing behind when it fails. */
export async function orStop<T>(supervisor: Supervisor, start: () => Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (error) {
    await supervisor.stop();
    throw error;
  }
}
