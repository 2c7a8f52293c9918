import { StoreError } from "@manykv/core";
import { InputError } from "../records/record.js";

/** How the command ends, for scripts. The help and the README document these. */
export const exitCode = {
  done: 0,
  /** Some records were not written, or some keys have no value. */
  incomplete: 1,
  /** An argument, option, URL or value is invalid. */
  usage: 2,
  /** The store failed or rejected the call. */
  store: 3,
  /** A file or a pipe cannot be read or written. */
  file: 4,
  /** A bug in manykv. */
  bug: 70,
  /** SIGINT: 128 plus the signal's number, as in shells. */
  interrupted: 130,
  /** SIGTERM. */
  terminated: 143,
} as const;

export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

/** An error whose message is meant for the user. */
export class CommandError extends Error {
  override readonly name: string = "CommandError";
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Returns what to print for an error and the exit code. Prints a stack only for a bug in manykv. */
export function describeError(error: unknown): { message: string; exitCode: ExitCode } {
  if (error instanceof CommandError) return error;
  if (error instanceof InputError) return { message: error.message, exitCode: exitCode.incomplete };
  if (StoreError.is(error)) {
    const isUsage = error.code === "invalid-argument" || error.code === "too-large";
    return {
      // Store messages address programs. Users of the command have a subcommand for this.
      message: error.message.replace("`provision()`", "`manykv provision`"),
      exitCode: isUsage ? exitCode.usage : exitCode.store,
    };
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { message: `this is a bug in manykv. Please report it: ${stack}`, exitCode: exitCode.bug };
}

/** Describes a file system error without the system call that its own message names. */
export function fileError(action: string, path: string, error: unknown): CommandError {
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
  const reason = fileReasons.get(code) ?? code;
  return new CommandError(exitCode.file, `cannot ${action} ${JSON.stringify(path)}: ${reason}`);
}

const fileReasons: ReadonlyMap<string, string> = new Map([
  ["ENOENT", "no such file or directory"],
  ["EACCES", "permission denied"],
  ["EISDIR", "it is a directory"],
  ["ENOSPC", "no space left on the device"],
]);

/** The reader closed standard output, as in `manykv export | head`. Not a failure. */
export class ReaderClosed extends Error {
  override readonly name: string = "ReaderClosed";
}
