import { execFile } from "node:child_process";
import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const advice = "no Chromium is on PATH. Install it: sudo apt-get install -y chromium";

/** Returns the path of Chromium or Chrome. On Debian, root installs Chromium if it is missing. */
export async function chromium(): Promise<string> {
  const found = find();
  if (found !== undefined) return found;
  const canInstall = process.getuid?.() === 0 && existsSync("/etc/debian_version");
  if (!canInstall) throw new Error(advice);
  console.log("chromium: not on PATH; installing it with apt-get");
  await aptGet("update", "-qq");
  await aptGet("install", "-y", "-qq", "--no-install-recommends", "chromium");
  const installed = find();
  if (installed === undefined) throw new Error(advice);
  return installed;
}

function find(): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return folders.flatMap((folder) => names.map((name) => join(folder, name))).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function aptGet(...args: string[]): Promise<void> {
  await promisify(execFile)("apt-get", ["-o", "DPkg::Lock::Timeout=120", ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    maxBuffer: 64 * 1024 * 1024,
  });
}
