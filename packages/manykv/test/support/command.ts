import { Buffer } from "node:buffer";
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { fileURLToPath } from "node:url";

const builtMain: string = fileURLToPath(new URL("../../dist/command/main.js", import.meta.url));

export interface Ended {
  readonly code: number | null;
  /** The signal whose default action ended the command, or `null`. */
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface RunOptions {
  /** The value of MANYKV_STORE. */
  readonly store?: string;
  readonly input?: string | Uint8Array;
  /** Redirects standard input from this file. */
  readonly inputFile?: string;
  /** File descriptors of standard output and standard error. Default: pipes. */
  readonly stdout?: number | undefined;
  readonly stderr?: number;
  /** Number of the user and the group that run the command. Requires root. */
  readonly user?: number;
  /** Options for Node.js. */
  readonly node?: readonly string[];
  /** The file to run. Default: the built command. */
  readonly main?: string;
  /** The working directory. */
  readonly folder?: string;
}

/** Removes warnings about the test servers, which may lose data after a crash. */
export function withoutWarnings(stderr: string): string {
  return stderr.replaceAll(/^manykv: warning: .*\n/gm, "");
}

/** Returns the environment of a command. */
function environment(store: string | undefined): NodeJS.ProcessEnv {
  const { MANYKV_STORE: _, ...inherited } = process.env;
  // The AWS SDK warns on standard error about Node.js versions that it will stop supporting.
  const env = { ...inherited, NODE_NO_WARNINGS: "1" };
  return store === undefined ? env : { ...env, MANYKV_STORE: store };
}

/** Starts the built command. */
export function startCommand(
  args: readonly string[],
  { store, inputFile, stdout, stderr, user, node = [], main = builtMain, folder }: RunOptions = {},
): ChildProcess {
  const input = inputFile === undefined ? "pipe" : openSync(inputFile, "r");
  const child = spawn(process.execPath, [...node, main, ...args], {
    env: environment(store),
    cwd: folder,
    stdio: [input, stdout ?? "pipe", stderr ?? "pipe"],
    ...(user !== undefined && { uid: user, gid: user }),
  });
  if (typeof input === "number") closeSync(input);
  // A command that does not read all of its input closes the pipe early.
  child.stdin?.on("error", () => {});
  return child;
}

/** Runs the built command and waits for it to end. */
export function runCommand(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const child = startCommand(args, options);
  const ended = endOf(child);
  child.stdin?.end(options.input ?? "");
  return ended;
}

/** A shell function that runs the built command. */
const shellFunction = `manykv() { "${process.execPath}" "${builtMain}" "$@"; }\n`;

/** Runs a shell script in which `manykv` is the built command, for arguments that Node.js cannot pass. */
export function runShell(script: string, { store }: Pick<RunOptions, "store">): Promise<Ended> {
  return endOf(
    spawn("sh", ["-c", shellFunction + script], { env: environment(store), stdio: ["ignore", "pipe", "pipe"] }),
  );
}

/** Runs a shell script on a terminal. Standard output contains what the terminal received. */
export function runOnTerminal(script: string, { store }: Pick<RunOptions, "store"> = {}): Promise<Ended> {
  const command = `stty cols 200 rows 50\n${shellFunction}${script}`;
  const env = { ...environment(store), SHELL: "/bin/sh" };
  return endOf(spawn("script", ["-qec", command, "/dev/null"], { env, stdio: ["ignore", "pipe", "pipe"] }));
}

/** Waits for a command to end, and returns its output and exit code. */
export function endOf(child: ChildProcess): Promise<Ended> {
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout?.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr?.on("data", (chunk: Buffer) => stderr.push(chunk));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) =>
      resolve({ code, signal, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() }),
    );
  });
}
