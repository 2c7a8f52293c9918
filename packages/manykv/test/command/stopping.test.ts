import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout } from "node:timers/promises";
import { randomName } from "@manykv/test-services";
import { serviceUrl } from "@manykv/test-services/vitest";
import { expect, test } from "vitest";
import { type Ended, type RunOptions, runCommand, startCommand } from "../support/command.js";
import { createFifo, openFullFifo } from "../support/fifo.js";
import { temporaryFolder } from "../support/temporary-folder.js";

const folder = temporaryFolder();
const redis = serviceUrl("redis");
const newFifo = (): string => createFifo(folder.path(randomName()));
const newFullFifo = (): number => openFullFifo(folder.path(randomName()));

type Stopped = Pick<Ended, "code" | "signal" | "stderr">;

/** Starts the command, sends it the signals while it waits, and waits for it to end. Its standard input stays open. */
async function stop(args: readonly string[], options: RunOptions, ...signals: NodeJS.Signals[]): Promise<Stopped> {
  const child = startCommand(args, options);
  let stderr = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const exited = new Promise<Stopped>((resolve) => {
    child.on("exit", (code, signal) => resolve({ code, signal, stderr }));
  });
  await listensTo(child);
  await setTimeout(500); // After this time, the command usually waits. A signal that arrives earlier must also end the command.
  for (const signal of signals) {
    child.kill(signal);
    await Promise.race([exited, setTimeout(200)]);
  }
  const ended = await Promise.race([exited, setTimeout(60_000, undefined)]);
  child.kill("SIGKILL");
  if (ended === undefined) throw new Error(`The command still runs: ${args.join(" ")}`);
  return ended;
}

/**
 * Waits until the command handles signals, that is, until the process's mask of caught signals contains SIGHUP. Node.js itself
 * catches SIGINT and SIGTERM from its start.
 */
async function listensTo(child: ChildProcess): Promise<void> {
  const caught = (): number =>
    Number.parseInt(/SigCgt:.*([0-9a-f]{4})\n/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1] ?? "", 16);
  await expect.poll(() => caught() & 1, { timeout: 60_000 }).toBe(1);
}

const exitCodes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

test.each(Object.entries(exitCodes))("%s ends an import that waits for the writer of a FIFO", async (signal, code) => {
  const ended = await stop(["import", newFifo()], { store: "memory:" }, signal as NodeJS.Signals);
  expect(ended).toMatchObject({ code, stderr: expect.stringContaining("no record was sent") });
});

test.each([
  ["import", () => ["import"]],
  ["delete", () => ["delete", "--keys-from", newFifo()]],
  ["get", () => ["get", "--keys-from", newFifo()]],
  ["set", () => ["set", "k", "--file", newFifo()]],
  ["set of standard input", () => ["set", "k", "--file", "-"]],
  ["export to a FIFO", () => ["export", newFifo()]],
  ["a report to a FIFO", () => ["import", "--report", newFifo()]],
])("SIGTERM ends a command that waits for a reader or a writer: %s", async (_, args) => {
  const ended = await stop(args(), { store: "memory:" }, "SIGTERM");
  expect(ended.code).toBe(143);
  expect(ended.stderr).toMatch(/no record was sent|the command was stopped/);
});

test.each([
  ["export", ["export"], /incomplete: exported only 0 records/],
  ["list", ["list"], /cannot write standard output: the command was stopped|aborted/],
  ["count", ["count"], /cannot write standard output: the command was stopped|aborted/],
  ["get", ["get", "k"], /cannot write standard output: the command was stopped|aborted/],
  ["export /dev/stdout", ["export", "/dev/stdout"], /incomplete: exported only 0 records/],
])("SIGTERM ends %s while nothing reads its output", async (_, args, message) => {
  const bucket = randomName();
  await runCommand(["set", "-b", bucket, "k", "v"], { store: redis });
  const ended = await stop([...args, "-b", bucket], { store: redis, stdout: newFullFifo() }, "SIGTERM");
  expect(ended).toMatchObject({ code: 143, stderr: expect.stringMatching(message) });
});

test("SIGTERM ends a command while nothing reads its messages", async () => {
  const ended = await stop(["import"], { store: "memory:", stderr: newFullFifo() }, "SIGTERM");
  expect(ended.code).toBe(143);
});

test("SIGTERM ends an import while nothing reads its report", async () => {
  const input = folder.file("invalid", "not JSON\n".repeat(2000));
  const args = ["import", "--on-error", "continue", "--report", "-", input];
  const ended = await stop(args, { store: "memory:", stdout: newFullFifo() }, "SIGTERM");
  expect(ended.code).toBe(143);
  expect(ended.stderr).toContain("cannot write standard output: the command was stopped");
});

test.each([
  ["list", ["list"]],
  ["set", ["set", "k", "v"]],
  ["provision", ["provision"]],
  ["export", ["export"]],
  ["increment", ["increment", "k"]],
  ["delete --prefix", ["delete", "--prefix", "a", "--yes"]],
  ["clear", ["clear", "--yes"]],
  ["count", ["count"]],
  ["buckets", ["buckets"]],
  ["sweep", ["sweep"]],
])("SIGTERM ends %s while the server does not respond", async (_, args) => {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  const ended = await stop(args, { store: `postgres://user@127.0.0.1:${port}/db` }, "SIGTERM");
  server.close();
  expect(ended).toMatchObject({ code: 143, stderr: expect.stringMatching(/aborted|stopped|no record was sent/) });
});

test("signals end a command even if one of its threads is blocked", async () => {
  // A thread waits in open(2) until the process ends, as for a file on a server that hangs.
  const block = `import fs from "node:fs"; fs.open(${JSON.stringify(newFifo())}, () => {});`;
  const options = { store: "memory:", node: ["--import", `data:text/javascript,${encodeURIComponent(block)}`] };
  expect(await stop(["import"], options, "SIGTERM")).toMatchObject({ signal: "SIGTERM" });
  expect(await stop(["import"], options, "SIGINT", "SIGINT")).toMatchObject({ signal: "SIGINT" });
});
