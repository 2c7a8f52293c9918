import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/**
 * Ends a process and everything below it, so that no worker goes on serving after its master is dead.
 * Postgres puts each backend in a session of its own, so a signal to the process group would miss them.
 */
export function killTree(pid: number): void {
  // A stopped master starts nothing new while its children are being listed.
  signal(pid, "SIGSTOP");
  const children = new Map<number, number[]>();
  for (const [child, parent] of processes()) {
    children.set(parent, [...(children.get(parent) ?? []), child]);
  }
  const doomed = [pid];
  for (const each of doomed) doomed.push(...(children.get(each) ?? []));
  for (const each of doomed) signal(each, "SIGKILL");
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It is gone already, which is what was wanted.
  }
}

/** Every process with its parent. Read from /proc where there is one: a slim image has no `ps`. */
function processes(): [pid: number, parent: number][] {
  if (process.platform === "linux") return linuxProcesses();
  const table = execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" });
  return table
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([pid, parent]) => (pid && parent !== undefined ? [[pid, parent] as [number, number]] : []));
}

function linuxProcesses(): [pid: number, parent: number][] {
  const found: [number, number][] = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      // "pid (name) state parent ...", and a name may hold spaces and brackets.
      const status = readFileSync(`/proc/${name}/stat`, "utf8");
      const parent = Number(status.slice(status.lastIndexOf(")") + 2).split(" ")[1]);
      found.push([Number(name), parent]);
    } catch {
      // It ended while the list was read.
    }
  }
  return found;
}
