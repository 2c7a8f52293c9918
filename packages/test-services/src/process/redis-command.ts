import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The `redis-server` on `PATH`. */
export interface RedisCommand {
  readonly command: string;
  readonly version: string;
}

let installing: Promise<void> | undefined;

/**
 * Finds `redis-server` on `PATH`. If the program is missing and this process runs as root on Debian, prints a line and
 * installs the program. If the program is missing and cannot be installed, rejects with an error that explains how to
 * install the program.
 */
export async function redisCommand(print: (line: string) => void): Promise<RedisCommand> {
  const found = await find();
  if (found) return found;
  if (!canInstall()) throw new Error(missing());
  // Redis and Redis Cluster start concurrently and share the installation.
  installing ??= install(print).finally(() => {
    installing = undefined;
  });
  await installing;
  const installed = await find();
  if (!installed) throw new Error(missing());
  return installed;
}

async function find(): Promise<RedisCommand | undefined> {
  try {
    const { stdout } = await run("redis-server", ["--version"]);
    return { command: "redis-server", version: /v=([\d.]+)/.exec(stdout)?.[1] ?? "of unknown version" };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function canInstall(): boolean {
  return process.getuid?.() === 0 && existsSync("/etc/debian_version") && existsSync("/usr/bin/apt-get");
}

async function install(print: (line: string) => void): Promise<void> {
  print("redis: redis-server is not on PATH; installing it with apt-get");
  const aptGet = (...args: string[]) =>
    run("apt-get", ["-o", "DPkg::Lock::Timeout=120", ...args], {
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
      maxBuffer: 64 * 1024 * 1024,
    });
  try {
    await aptGet("update", "-qq");
    await aptGet("install", "-y", "-qq", "--no-install-recommends", "redis-server");
  } catch (cause) {
    throw new Error(`apt-get could not install redis-server. ${missing()}`, { cause });
  }
}

function missing(): string {
  return `redis-server is not on PATH. Install it: ${installCommand()}`;
}

function installCommand(): string {
  if (process.platform === "darwin") return "brew install redis";
  if (existsSync("/usr/bin/apt-get")) return "sudo apt-get install -y redis-server";
  if (existsSync("/sbin/apk")) return "apk add redis";
  if (existsSync("/usr/bin/dnf")) return "sudo dnf install -y redis";
  if (existsSync("/usr/bin/pacman")) return "sudo pacman -S redis";
  return "see https://redis.io/docs/latest/operate/oss_and_stack/install/";
}
