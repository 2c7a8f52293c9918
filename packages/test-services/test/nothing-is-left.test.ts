import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { processTree, runningProcesses } from "../src/process/process-tree.js";
import { temporaryFolder } from "./support/temporary-folder.js";

const SCRIPT = fileURLToPath(new URL("./fixtures/start-everything.mjs", import.meta.url));

/** A test runner of its own that starts a server of every kind, each a local process. */
function startRunner(folder: string): ChildProcess {
  const child = spawn(process.execPath, [SCRIPT], {
    stdio: ["ignore", "pipe", "inherit"],
    // As in a terminal: a group of its own, whose processes all get Ctrl-C.
    detached: true,
    env: {
      ...process.env,
      TMPDIR: folder,
      DOCKER_HOST: "unix:///nonexistent/docker.sock",
      MANYKV_REDIS_URL: "",
      MANYKV_REDIS_CLUSTER_URL: "",
      MANYKV_POSTGRES_URL: "",
      MANYKV_DYNAMODB_URL: "",
    },
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

/** The same when all its servers have started. */
async function runner(folder: string): Promise<ChildProcess> {
  const child = startRunner(folder);
  await new Promise<void>((resolve, reject) => {
    child.stdout?.once("data", () => resolve());
    child.once("exit", () => reject(new Error("it ended before everything had started")));
  });
  return child;
}

const endings: [how: string, end: (pid: number) => void][] = [
  ["kill -9 of the test runner", (pid) => process.kill(pid, "SIGKILL")],
  ["kill -9 of its whole process group", (pid) => process.kill(-pid, "SIGKILL")],
  ["Ctrl-C", (pid) => process.kill(-pid, "SIGINT")],
  ["SIGTERM", (pid) => process.kill(pid, "SIGTERM")],
];

describe.each(endings)("after %s", (_how, end) => {
  test("no server and no file of any service is left", async () => {
    const folder = temporaryFolder();
    const child = await runner(folder);
    const pid = child.pid ?? 0;
    const started = processTree(pid);
    // The runner; four supervisors; redis, the cluster's six, postgres with its workers, dynalite.
    expect(started.length).toBeGreaterThanOrEqual(1 + 4 + 1 + 6 + 4 + 1);
    expect(readdirSync(folder)).toHaveLength(4);
    end(pid);
    await expect.poll(() => stillRunning(started), { timeout: 20_000 }).toEqual([]);
    await expect.poll(() => readdirSync(folder), { timeout: 20_000 }).toEqual([]);
  });
});

// A start is full of moments in which a server is there and nobody has written it down yet.
describe.runIf(process.platform === "linux")("after kill -9 while servers are being started", () => {
  test.each([50, 100, 150, 200, 300, 400, 600, 900, 1_500])("%d ms after the first", async (delay) => {
    const folder = temporaryFolder();
    const child = startRunner(folder);
    await expect.poll(() => readdirSync(folder).length, { timeout: 20_000, interval: 5 }).toBeGreaterThan(0);
    await sleep(delay);
    child.kill("SIGKILL");
    await expect.poll(() => processesIn(folder), { timeout: 20_000 }).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
  });
});

/** Processes that work in the folder, and supervisors, whose argument it is. */
function processesIn(folder: string): number[] {
  return runningProcesses()
    .map(([pid]) => pid)
    .filter((pid) => {
      try {
        return `${readlinkSync(`/proc/${pid}/cwd`)} ${readFileSync(`/proc/${pid}/cmdline`, "utf8")}`.includes(
          folder,
        );
      } catch {
        return false; // It ended while the list was read.
      }
    });
}

function stillRunning(pids: readonly number[]): number[] {
  const running = new Set(runningProcesses().map(([pid]) => pid));
  return pids.filter((pid) => running.has(pid));
}
