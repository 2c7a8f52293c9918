import { type FileHandle, open } from "node:fs/promises";
import type { Failure, Totals } from "../transfer/totals.js";
import { type CommandError, fileError } from "./command-error.js";

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

  static async open(path: string): Promise<Report> {
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

const bufferedCharacters = 64 * 1024;
