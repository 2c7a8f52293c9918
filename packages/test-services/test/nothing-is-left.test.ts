import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { dockerEngineResponds } from "../src/container/docker-engine.js";
import { processTree, runningProcesses } from "../src/process/process-tree.js";
import { temporaryFolder } from "./support/temporary-folder.js";
import { containersAt } from "./support/traces.js";

const startEverything = fileURLToPath(new URL("./fixtures/start-everything.mjs", import.meta.url));

const withoutEngine = { DOCKER_HOST: "unix:///nonexistent/docker.sock" };

/** Starts a separate test runner that starts a server of every kind. */
function startRunner(folder: string, environment: Record<string, string>): ChildProcess {
  const child = spawn(process.execPath, [startEverything], {
    stdio: ["ignore", "pipe", "inherit"],
    // The runner has its own process group, as in a terminal, where Ctrl-C reaches all processes of the group.
    detached: true,
    env: {
      ...process.env,
      TMPDIR: folder,
      ...environment,
      MANYKV_REDIS_URL: "",
      MANYKV_REDIS_CLUSTER_URL: "",
      MANYKV_POSTGRES_URL: "",
      MANYKV_DYNAMODB_URL: "",
    },
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

/** Starts a test runner, waits until all its servers have started, and returns what it printed. */
async function startedRunner(
  folder: string,
  environment: Record<string, string>,
): Promise<{ child: ChildProcess; printed: string }> {
  const child = startRunner(folder, environment);
  let printed = "";
  await new Promise<void>((resolve, reject) => {
    child.stdout?.on("data", (chunk) => {
      printed += chunk;
      if (printed.includes("started")) resolve();
    });
    child.once("exit", () => reject(new Error("The runner must start all servers, but ended earlier")));
  });
  return { child, printed };
}

const endings: [how: string, end: (pid: number) => void][] = [
  ["kill -9 of the test runner", (pid) => process.kill(pid, "SIGKILL")],
  ["kill -9 of the test runner's process group", (pid) => process.kill(-pid, "SIGKILL")],
  ["Ctrl-C", (pid) => process.kill(-pid, "SIGINT")],
  ["SIGTERM", (pid) => process.kill(pid, "SIGTERM")],
];

describe.each(endings)("after %s", (_how, end) => {
  test("no server and no file remains", async () => {
    const folder = temporaryFolder();
    const { child } = await startedRunner(folder, withoutEngine);
    const pid = child.pid ?? 0;
    const started = processTree(pid);
    // The runner, four supervisors, redis, six cluster nodes, postgres with its workers, and dynalite.
    expect(started.length).toBeGreaterThanOrEqual(1 + 4 + 1 + 6 + 4 + 1);
    expect(readdirSync(folder)).toHaveLength(4);
    end(pid);
    await expect.poll(() => stillRunning(started), { timeout: 60_000 }).toEqual([]);
    await expect.poll(() => readdirSync(folder), { timeout: 60_000 }).toEqual([]);
    expect(sharedMemoryOf(started)).toEqual([]);
  });
});

// While a server starts, its process or folder can exist before any process has recorded it.
describe.runIf(process.platform === "linux")("after kill -9 while servers start, nothing remains", () => {
  test.each([50, 150, 400, 700, 1_500])("%d ms after the first folder appears", async (delay) => {
    const folder = temporaryFolder();
    const child = startRunner(folder, withoutEngine);
    await expect.poll(() => readdirSync(folder).length, { timeout: 60_000, interval: 5 }).toBeGreaterThan(0);
    await sleep(delay);
    child.kill("SIGKILL");
    // A supervisor that has just started may not have created its folder yet.
    const left = (): unknown[] => [...processesIn(folder), ...readdirSync(folder)];
    await expect.poll(left, { timeout: 60_000 }).toEqual([]);
  });
});

/** Returns the System V shared memory segments that one of the processes created. Postgres creates one. */
function sharedMemoryOf(pids: readonly number[]): string[] {
  if (process.platform !== "linux") return [];
  const segments = readFileSync("/proc/sysvipc/shm", "utf8").trim().split("\n").slice(1);
  // "key shmid perms size cpid ..."
  return segments.filter((line) => pids.includes(Number(line.trim().split(/\s+/)[4])));
}

/** Returns the ids of the processes whose working directory or arguments contain the path of the folder. */
function processesIn(folder: string): number[] {
  return runningProcesses()
    .map(([pid]) => pid)
    .filter((pid) => {
      try {
        return `${readlinkSync(`/proc/${pid}/cwd`)} ${readFileSync(`/proc/${pid}/cmdline`, "utf8")}`.includes(folder);
      } catch {
        return false; // The process has already ended.
      }
    });
}

if (await dockerEngineResponds()) {
  test.each(endings)("after %s, no container remains, even without Ryuk", async (_how, end) => {
    const { child, printed } = await startedRunner(temporaryFolder(), {
      TESTCONTAINERS_RYUK_DISABLED: "true",
    });
    const containers = printed.matchAll(/: container .* at [\w.]+:(\d+)/g);
    const ports = [...containers].map(([, port]) => Number(port));
    expect(ports).toHaveLength(4);
    expect(await containersAt(ports)).toHaveLength(4);
    end(child.pid ?? 0);
    await expect.poll(() => containersAt(ports), { timeout: 60_000 }).toEqual([]);
  });
}

function stillRunning(pids: readonly number[]): number[] {
  const running = new Set(runningProcesses().map(([pid]) => pid));
  return pids.filter((pid) => running.has(pid));
}
