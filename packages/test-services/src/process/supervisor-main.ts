/**
 * Main module of a separate process that runs servers in a temporary directory. When the parent ends, even by
 * `kill -9`, the channel to the parent closes. The process then stops the servers, removes the directory and ends.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { join } from "node:path";
import { postgresDataFolder, releaseSharedMemory } from "./postgres-shared-memory.js";
import { killTree } from "./process-tree.js";
import type { ServerSpecification, SupervisorReport, SupervisorRequest } from "./supervisor-messages.js";

/** Time between the stop signal and SIGKILL, in ms. */
const gracePeriod = 3_000;

const servers = new Map<number, { child: ChildProcess; specification: ServerSpecification }>();
const directory = mkdtempSync(process.argv[2] ?? "");
let stopping = false;

process.on("disconnect", () => void stop());
process.on("SIGTERM", () => void stop());
// After an unexpected error, stop the servers before this process ends.
process.on("uncaughtException", (error) => {
  console.error(error);
  void stop();
});
// The parent handles Ctrl-C and a closed terminal. This process ends after the parent.
process.on("SIGINT", () => {});
process.on("SIGHUP", () => {});
process.on("message", (request: SupervisorRequest) => {
  // Nothing would stop a server that starts while the others are being stopped.
  if (request.type === "start" && stopping) report({ type: "failed", id: request.id, code: "stopping" });
  else if (request.type === "start") start(request.id, request.specification);
  else if (request.type === "kill") kill(request.id);
  else void stop();
});
report({ type: "ready", directory });
// If the parent ended while this module was loading, Node emits no "disconnect".
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
  releaseSharedMemory(join(directory, postgresDataFolder));
  rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  process.exit(0);
}

async function end({ child, specification }: { child: ChildProcess; specification: ServerSpecification }) {
  if (child.pid === undefined) return;
  const { pid } = child;
  const exited = new Promise((resolve) => child.once("exit", resolve));
  const killTimer = setTimeout(() => killTree(pid), gracePeriod);
  if (specification.stopSignal === "SIGKILL") killTree(pid);
  else child.kill(specification.stopSignal);
  await exited;
  clearTimeout(killTimer);
}

function report(message: SupervisorReport): void {
  // The parent may have just ended. The "disconnect" event handles that.
  if (process.connected) process.send?.(message, () => {});
}
