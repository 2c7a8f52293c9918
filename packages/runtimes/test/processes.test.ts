import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { startDedicatedPostgres, startDedicatedRedis } from "@manykv/test-services";
import { afterEach, expect, test } from "vitest";
import { application, environment, run } from "./support/application.js";
import { expectSuccess, servers, type Target, target } from "./support/targets.js";

/** How long a process stands still, in milliseconds. Servers restart and connections break in the meantime. */
const freezeTime = 1_500;

let frozen: ChildProcess | undefined;

afterEach(() => {
  frozen?.kill("SIGKILL");
  frozen = undefined;
});

const targetsOf = (list: readonly Target[]): NodeJS.ProcessEnv => ({ MANYKV_TARGETS: JSON.stringify(list) });

const programs = [
  ["eight workers that open their stores, one of them terminated", "workers.mjs"],
  ["a cluster of forked processes", "cluster.mjs"],
  ["arguments of another realm", "realms.mjs"],
] as const;

test.each(programs)("%s", async (_, program) => {
  const targets = targetsOf(servers.map((backend) => target(backend)));
  const ended = await run(process.execPath, [program], targets);
  expectSuccess(ended);
  expect(ended.output).toMatch(/^worked$/m);
});

test("a process that is frozen between calls and during calls, while its servers restart", async () => {
  await using redis = await startDedicatedRedis({ durable: true });
  await using postgres = await startDedicatedPostgres();
  const list: Target[] = [
    { ...target("redis"), address: redis.url },
    target("redis-cluster"),
    { ...target("postgres"), address: postgres.url },
    target("dynamodb"),
  ];
  const child = spawn(process.execPath, ["frozen.mjs"], {
    cwd: application,
    env: { ...environment, ...targetsOf(list) },
    stdio: ["pipe", "pipe", "inherit"],
  });
  frozen = child;
  const exited = once(child, "exit");
  const lines = createInterface({ input: child.stdout });
  const seen: string[] = [];
  for await (const line of lines) {
    seen.push(line);
    if (line !== "idle" && line !== "busy") continue;
    child.kill("SIGSTOP");
    if (line === "idle") await Promise.all([redis.restart(), postgres.restart()]);
    await sleep(freezeTime);
    child.kill("SIGCONT");
    child.stdin.write("continue\n");
  }
  expect(await exited).toEqual([0, null]);
  expect(seen).toEqual(["idle", "busy", "worked"]);
});
