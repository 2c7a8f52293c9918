import { getSystemErrorMap } from "node:util";
import { StoreError } from "@manykv/core";
import { InputError } from "../records/record.js";

/** Exit codes of the command. The help and the README document them. */
export const exitCode = {
  done: 0,
  /**
   * Some records were not written, or some keys have no value, or a value that cannot be incremented, or the backend does
   * not conform or returned a wrong answer, or the server may lose data, or two stores differ, or a bucket to copy, compare
   * or export has no keys.
   */
  incomplete: 1,
  /** An argument, option or URL is invalid, or a key or value exceeds the store's limits. */
  usage: 2,
  /** The store failed or rejected the call. */
  store: 3,
  /** A file or a pipe cannot be read or written. */
  file: 4,
  /** A bug in manykv. */
  bug: 70,
  /** SIGHUP ended the command: 128 plus the signal's number, as in shells. */
  hangup: 129,
  /** SIGINT ended the command. */
  interrupted: 130,
  /** SIGTERM ended the command. */
  terminated: 143,
} as const;

export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

/** An error with a message for the user and an exit code. */
export class CommandError extends Error {
  override readonly name: string = "CommandError";
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options);
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
      message: inCommandTerms(error.message),
      exitCode: isUsage ? exitCode.usage : exitCode.store,
    };
  }
  // `runCommand` returns the exit code of the signal instead of this one.
  if (isAbort(error)) return { message: stopped, exitCode: exitCode.interrupted };
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { message: `this is a bug in manykv, please report it: ${stack}`, exitCode: exitCode.bug };
}

/** Replaces the methods that a store's message tells programs to call with the subcommands that users run instead. */
export function inCommandTerms(message: string): string {
  return message.replace(
    /(call )?`?\b(provision|sweep)\(\)`?/g,
    (_, call: string | undefined, name: string) => `${call === undefined ? "" : "run "}\`manykv ${name}\``,
  );
}

/** Returns an error for a failed file operation. Unlike Node.js's message, its message names no system call. */
export function fileError(action: FileAction, path: string, error: unknown): CommandError {
  return new CommandError(exitCode.file, `cannot ${action} ${nameOf(action, path)}: ${reasonOf(error)}`);
}

export type FileAction = "read" | "write";

function nameOf(action: FileAction, path: string): string {
  if (path !== "-") return JSON.stringify(path);
  return action === "read" ? "standard input" : "standard output";
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown error";
  if (isAbort(error)) return stopped;
  const { code = error.name, errno = 0 } = error as NodeJS.ErrnoException;
  return ownReasons.get(code) ?? getSystemErrorMap().get(errno)?.[1] ?? code;
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

const stopped = "the command was stopped";

/** Messages for error codes for which Node.js has no message or an unhelpful one. */
const ownReasons: ReadonlyMap<string, string> = new Map([
  ["EISDIR", "it is a directory"],
  ["TRUNCATED", "it became shorter while it was read, so its end is missing"],
  ["Unknown system error -122", "the disk quota is used up"],
]);

/** Runs a file operation. If it fails, rejects with {@link fileError}. */
export async function withFileError<Value>(
  action: FileAction,
  path: string,
  run: () => Promise<Value>,
): Promise<Value> {
  try {
    return await run();
  } catch (error) {
    throw error instanceof CommandError ? error : fileError(action, path, error);
  }
}

/** Returns whether the error has one of the codes. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}

/**
 * Thrown if the reader closes standard output. The command then succeeds, as in `manykv export | head`, unless standard
 * output receives its report.
 */
export class ReaderClosed extends CommandError {
  override readonly name: string = "ReaderClosed";

  constructor() {
    super(exitCode.file, "cannot write standard output: its reader closed it");
  }
}

/** Removes the users and passwords of URLs from a text of another author. */
export function withoutCredentials(text: string): string {
  return text.replace(/:\/\/\S*@/g, "://***@");
}
