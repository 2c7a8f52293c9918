import { StoreError } from "@manykv/core";
import { InputError } from "../records/record.js";

/** Exit codes of the command. The help and the README document them. */
export const exitCode = {
  done: 0,
  /** Some records were not written, or some keys have no value. */
  incomplete: 1,
  /** An argument, option or URL is invalid, or a key or value exceeds the store's limits. */
  usage: 2,
  /** The store failed or rejected the call. */
  store: 3,
  /** A file or a pipe cannot be read or written. */
  file: 4,
  /** A bug in manykv. */
  bug: 70,
  /** SIGINT ended the command: 128 plus the signal's number, as in shells. */
  interrupted: 130,
  /** SIGTERM ended the command. */
  terminated: 143,
} as const;

export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

/** An error with a message for the user and an exit code. */
export class CommandError extends Error {
  override readonly name: string = "CommandError";
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Returns the message and the exit code for an error. Only the message for a bug in manykv contains a stack trace. */
export function describeError(error: unknown): { message: string; exitCode: ExitCode } {
  if (error instanceof CommandError) return error;
  if (error instanceof InputError) return { message: error.message, exitCode: exitCode.incomplete };
  if (StoreError.is(error)) {
    const isUsage = error.code === "invalid-argument" || error.code === "too-large";
    return {
      // The store's message names the method, but users of the command run the subcommand instead.
      message: error.message.replace("`provision()`", "`manykv provision`"),
      exitCode: isUsage ? exitCode.usage : exitCode.store,
    };
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { message: `this is a bug in manykv, please report it: ${stack}`, exitCode: exitCode.bug };
}

/** Returns an error for a failed file operation. Unlike Node.js's message, its message names no system call. */
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

/** Thrown if the reader closes standard output, as in `manykv export | head`. The command then succeeds. */
export class ReaderClosed extends Error {
  override readonly name: string = "ReaderClosed";
}
