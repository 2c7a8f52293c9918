/**
 * A process of its own beside the tests. It runs servers in a temporary directory and outlives its parent
 * just long enough to remove both: the channel to the parent closes however the parent ends, `kill -9`
 * included.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { join } from "node:path";
import { POSTGRES_DATA, releaseSharedMemory } from "./postgres-shared-memory.js";
import { killTree } from "./process-tree.js";
import type { ServerSpecification, SupervisorReport, SupervisorRequest } from "./supervisor-messages.js";

/** How long a server may take to end on its own stop signal before it is killed, in ms. */
const GRACE = 3_000;

const servers = new Map<number, { child: ChildProcess; specification: ServerSpecification }>();
const directory = mkdtempSync(process.argv[2] ?? "");
let stopping = false;

process.on("disconnect", () => void stop());
process.on("SIGTERM", () => void stop());
// Whatever goes wrong in here, the servers go first.
process.on("uncaughtException", (error) => {
  console.error(error);
  void stop();
});
// Ctrl-C and a closed terminal are the parent's to act on; this process follows when the parent is gone.
process.on("SIGINT", () => {});
process.on("SIGHUP", () => {});
process.on("message", (request: SupervisorRequest) => {
  // A server that is asked for while the others are being ended would be left over.
  if (request.type === "start" && stopping) report({ type: "failed", id: request.id, code: "stopping" });
  else if (request.type === "start") start(request.id, request.specification);
  else if (request.type === "kill") kill(request.id);
  else void stop();
});
report({ type: "ready", directory });
// A parent that died while this module was being loaded has been and gone as an event.
if (!process.connected) void stop();

function start(id: number, specification: ServerSpecification): void {
  const folder = join(directory, specification.name);
  mkdirSync(folder, { recursive: true });
  const log = openSync(`${folder}.log`, "w");
  const child = spawn(specification.command, specification.args, {
    cwd: folder,
    env: { ...process.env, ...specification.env },
    stdio: ["ignore", log, log],
    ...specification.user,
  });
  closeSync(log);
  servers.set(id, { child, specification });
  child.once("error", (error: NodeJS.ErrnoException) => {
    servers.delete(id);
    report({ type: "failed", id, code: error.code ?? "unknown" });
  });
  child.once("spawn", () => report({ type: "started", id, pid: child.pid ?? 0 }));
  child.once("exit", (code) => {
    servers.delete(id);
    report({ type: "exited", id, code });
  });
}

function kill(id: number): void {
  const pid = servers.get(id)?.child.pid;
  if (pid !== undefined) killTree(pid);
}

async function stop(): Promise<void> {
  stopping = true;
  await Promise.all([...servers.values()].map(end));
  releaseSharedMemory(join(directory, POSTGRES_DATA));
  rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  process.exit(0);
}

async function end({ child, specification }: { child: ChildProcess; specification: ServerSpecification }) {
  if (child.pid === undefined) return;
  const { pid } = child;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  const lastResort = setTimeout(() => killTree(pid), GRACE);
  if (specification.stopSignal === "SIGKILL") killTree(pid);
  else child.kill(specification.stopSignal);
  await gone;
  clearTimeout(lastResort);
}

function report(message: SupervisorReport): void {
  // A parent that has just died cannot be told. That it did arrives as "disconnect".
  if (process.connected) process.send?.(message, () => {});
}
