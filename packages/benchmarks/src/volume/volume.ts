import { fork } from "node:child_process";
import { once } from "node:events";
import type { StorePlace } from "../backends/backend.js";

/** What a process of its own is to do. */
export interface VolumeTask {
  readonly place: StorePlace;
  readonly keys: number;
  readonly bytes: number;
  /** The same keys in so many calls, one after the other. */
  readonly calls: number;
}

/** What became of it. */
export interface VolumeResult {
  readonly operation: "setMany" | "getMany" | "deleteMany";
  /** Milliseconds for each key: the median of the calls. */
  readonly millisecondsPerKey: number;
  /** The process's memory at its highest during the calls, over what it was before them, in bytes. */
  readonly growth: number;
  /** What the result took, for `getMany`, in bytes: it is the caller's. */
  readonly result: number;
}

/** Runs a task in a fresh process, so that nothing but it is in the process's memory. */
export async function runVolume(task: VolumeTask): Promise<readonly VolumeResult[]> {
  const child = fork(new URL("./volume-process.js", import.meta.url), { execArgv: ["--expose-gc"] });
  child.send(task);
  const [results] = (await Promise.race([once(child, "message"), ended(child)])) as [readonly VolumeResult[]];
  child.disconnect();
  return results;
}

async function ended(child: ReturnType<typeof fork>): Promise<never> {
  const [code] = (await once(child, "exit")) as [number | null];
  throw new Error(`the process of a volume run ended with ${code ?? "a signal"} before it was done`);
}
