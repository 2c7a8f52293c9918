import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { dockerEngineAnswers } from "../src/container/docker-engine.js";
import { processTree, runningProcesses } from "../src/process/process-tree.js";
import { temporaryFolder } from "./support/temporary-folder.js";
import { containersAt } from "./support/traces.js";

const SCRIPT = fileURLToPath(new URL("./fixtures/start-everything.mjs", import.meta.url));

const NO_ENGINE = { DOCKER_HOST: "unix:///nonexistent/docker.sock" };

/** A test runner of its own that starts a server of every kind. */
function startRunner(folder: string, environment: Record<string, string>): ChildProcess {
  const child = spawn(process.execPath, [SCRIPT], {
    stdio: ["ignore", "pipe", "inherit"],
    // As in a terminal: a group of its own, whose processes all get Ctrl-C.
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

/** The same when all its servers have started, with what it has printed. */
async function runner(
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
    child.once("exit", () => reject(new Error("it ended before everything had started")));
  });
  return { child, printed };
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
    const { child } = await runner(folder, NO_ENGINE);
    const pid = child.pid ?? 0;
    const started = processTree(pid);
    // The runner; four supervisors; redis, the cluster's six, postgres with its workers, dynalite.
    expect(started.length).toBeGreaterThanOrEqual(1 + 4 + 1 + 6 + 4 + 1);
    expect(readdirSync(folder)).toHaveLength(4);
    end(pid);
    await expect.poll(() => stillRunning(started), { timeout: 60_000 }).toEqual([]);
    await expect.poll(() => readdirSync(folder), { timeout: 60_000 }).toEqual([]);
    expect(sharedMemoryOf(started)).toEqual([]);
  });
});

// A start is full of moments in which a server is there and nobody has written it down yet.
describe.runIf(process.platform === "linux")("after kill -9 while servers are being started", () => {
  test.each([50, 150, 400, 700, 1_500])("%d ms after the first", async (delay) => {
    const folder = temporaryFolder();
    const child = startRunner(folder, NO_ENGINE);
    await expect.poll(() => readdirSync(folder).length, { timeout: 60_000, interval: 5 }).toBeGreaterThan(0);
    await sleep(delay);
    child.kill("SIGKILL");
    // A supervisor that is only just being started is not found by its folder yet.
    const left = (): unknown[] => [...processesIn(folder), ...readdirSync(folder)];
    await expect.poll(left, { timeout: 60_000 }).toEqual([]);
  });
});

/** Segments of System V shared memory whose maker is one of the processes; Postgres makes one. */
function sharedMemoryOf(pids: readonly number[]): string[] {
  if (process.platform !== "linux") return [];
  const segments = readFileSync("/proc/sysvipc/shm", "utf8").trim().split("\n").slice(1);
  // "key shmid perms size cpid ..."
  return segments.filter((line) => pids.includes(Number(line.trim().split(/\s+/)[4])));
}

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

if (await dockerEngineAnswers()) {
  test.each(endings)("after %s no container of any service is left, without Ryuk", async (_how, end) => {
    const { child, printed } = await runner(temporaryFolder(), { TESTCONTAINERS_RYUK_DISABLED: "true" });
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
