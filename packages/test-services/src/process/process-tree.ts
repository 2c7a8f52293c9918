import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/**
 * Ends a process and everything below it, so that no worker goes on serving after its master is dead.
 * Postgres puts each backend in a session of its own, so a signal to the process group would miss them.
 */
export function killTree(pid: number): void {
  // A stopped master starts nothing new while its children are being listed.
  signal(pid, "SIGSTOP");
  for (const each of processTree(pid)) signal(each, "SIGKILL");
}

/** A process and everything below it. */
export function processTree(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const [child, parent] of runningProcesses()) {
    children.set(parent, [...(children.get(parent) ?? []), child]);
  }
  const tree = [pid];
  for (const each of tree) tree.push(...(children.get(each) ?? []));
  return tree;
}

/**
 * Every process with its parent, without those that have ended and wait for their parent to notice. Read from /proc
 * where there is one: a slim image has no `ps`.
 */
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
      // "pid (name) state parent ...", and a name may hold spaces and brackets.
      const status = readFileSync(`/proc/${pid}/stat`, "utf8");
      found.push([pid, ...status.slice(status.lastIndexOf(")") + 2).split(" ", 2)]);
    } catch {
      // It ended while the list was read.
    }
  }
  return found;
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It is gone already, which is what was wanted.
  }
}
