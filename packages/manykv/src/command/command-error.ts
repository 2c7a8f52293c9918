import { StoreError } from "@manykv/core";
import { InputError } from "../records/input-error.js";
import { type ExitCode, exitCode } from "./exit-code.js";

/** An error whose message is for the person at the terminal. */
export class CommandError extends Error {
  override readonly name: string = "CommandError";
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** What to print for an error, and what to exit with. Only a defect of manykv shows its stack. */
export function describeError(error: unknown): { message: string; exitCode: ExitCode } {
  if (error instanceof CommandError) return error;
  if (error instanceof InputError) return { message: error.message, exitCode: exitCode.incomplete };
  if (StoreError.is(error)) {
    const isUsage = error.code === "invalid-argument" || error.code === "too-large";
    return {
      // Messages of stores are for programs; here there is a command for it.
      message: error.message.replace("`provision()`", "`manykv provision`"),
      exitCode: isUsage ? exitCode.usage : exitCode.store,
    };
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { message: `this is a defect of manykv, please report it: ${stack}`, exitCode: exitCode.defect };
}

/** An error of the file system, in words: its own message may be a stack of call names. */
export function fileError(action: string, path: string, error: unknown): CommandError {
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
  const reason = reasons.get(code) ?? code;
  return new CommandError(exitCode.file, `cannot ${action} ${JSON.stringify(path)}: ${reason}`);
}

const reasons: ReadonlyMap<string, string> = new Map([
  ["ENOENT", "no such file or directory"],
  ["EACCES", "permission denied"],
  ["EISDIR", "it is a directory"],
  ["ENOSPC", "no space left on the device"],
]);
