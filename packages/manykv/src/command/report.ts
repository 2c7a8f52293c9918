import { type FileHandle, open, stat } from "node:fs/promises";
import type { Failure, Totals } from "../transfer/totals.js";
import { CommandError, fileError } from "./command-error.js";
import { exitCode } from "./exit-code.js";
import type { Input } from "./input.js";

/**
 * A machine-readable report: a JSON line for each record that was not written or may not have been, in the order of
 * the records, and at the end one with the totals. It holds keys, and no values.
 */
export class Report {
  readonly #path: string;
  readonly #handle: FileHandle;
  #buffered = "";
  /** Why it could not be written. Its lines end there. */
  error: CommandError | undefined;

  private constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#handle = handle;
  }

  /** Opens a report. It may not be the file that `input` comes from: opening it would empty that. */
  static async open(path: string, input: Input | undefined): Promise<Report> {
    if (await isFileOf(input, path)) {
      const message = `the report would overwrite the input: ${JSON.stringify(path)} is the file that is read`;
      throw new CommandError(exitCode.usage, message);
    }
    try {
      return new Report(path, await open(path, "w"));
    } catch (error) {
      throw fileError("write", path, error);
    }
  }

  async add({ record, line, key, outcome, code, refusal: reason }: Failure): Promise<void> {
    this.#buffered += `${JSON.stringify({ record, line, key, outcome, code, reason })}\n`;
    if (this.#buffered.length >= bufferedCharacters) await this.#flush();
  }

  async finish(totals: Totals): Promise<void> {
    this.#buffered += `${JSON.stringify({ totals })}\n`;
    await this.#flush();
    await this.#handle.close();
  }

  async #flush(): Promise<void> {
    const lines = this.#buffered;
    this.#buffered = "";
    if (this.error !== undefined) return;
    try {
      await this.#handle.appendFile(lines);
    } catch (error) {
      this.error = fileError("write", this.#path, error);
    }
  }
}

async function isFileOf(input: Input | undefined, path: string): Promise<boolean> {
  const status = await stat(path, { bigint: true }).catch(() => undefined);
  return status !== undefined && status.dev === input?.file?.dev && status.ino === input.file.ino;
}

const bufferedCharacters = 64 * 1024;
