import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/**
 * Kills a process and its descendants, so that no worker survives its main process. Postgres starts each worker in a
 * separate session, so a signal to the process group would not reach the workers.
 */
export function killTree(pid: number): void {
  // A stopped process cannot start another child while its children are listed.
  signal(pid, "SIGSTOP");
  for (const each of processTree(pid)) signal(each, "SIGKILL");
}

/** Returns the ids of a process and its descendants. */
export function processTree(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const [child, parent] of runningProcesses()) {
    children.set(parent, [...(children.get(parent) ?? []), child]);
  }
  const tree = [pid];
  for (const each of tree) tree.push(...(children.get(each) ?? []));
  return tree;
}

/** Returns the id of each process and of its parent. Skips zombies. Reads /proc on Linux, where `ps` may be missing. */
export function runningProcesses(): [pid: number, parent: number][] {
  const lines = process.platform === "linux" ? linuxStatus() : psStatus();
  return lines.flatMap(([pid, state, parent]) =>
    state?.startsWith("Z") ? [] : [[Number(pid), Number(parent)] as [number, number]],
  );
}

function psStatus(): string[][] {
  const table = execFileSync("ps", ["-A", "-o", "pid=,stat=,ppid="], { encoding: "utf8" });
  return table
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/));
}

function linuxStatus(): string[][] {
  const found: string[][] = [];
  for (const pid of readdirSync("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    try {
      // "pid (name) state parent ...": the name can contain spaces and parentheses.
      const status = readFileSync(`/proc/${pid}/stat`, "utf8");
      found.push([pid, ...status.slice(status.lastIndexOf(")") + 2).split(" ", 2)]);
    } catch {
      // The process has ended since /proc was listed.
    }
  }
  return found;
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // The process has already ended.
  }
}
