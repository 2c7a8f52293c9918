import { open } from "node:fs/promises";
import { isStandardOutput } from "./descriptors.js";
import { CommandError, exitCode, withFileError } from "./errors.js";
import type { Input } from "./input.js";
import type { Interrupt } from "./interrupt.js";
import type { OutputFlags } from "./options.js";
import { type OpenFile, type Output, openOutput } from "./output.js";

/**
 * Writes a report for programs: one JSON line for each record that failed or differs, and a last line with the totals. The
 * report contains keys, but no values.
 */
export class Report {
  readonly #output: Output;
  #buffered = "";
  /** Set after a write failed. Later lines are then discarded. */
  error: unknown;

  private constructor(output: Output) {
    this.#output = output;
  }

  static async open(path: string, input: Input | undefined, { stop, abort }: Interrupt): Promise<Report> {
    // Opening the input file for writing would empty it.
    if (await input?.isWrittenBy(path)) {
      const message = `the report would overwrite the input ${JSON.stringify(path)}: pass another --report file`;
      throw new CommandError(exitCode.usage, message);
    }
    return new Report(await openOutput(path, emptyFile, stop, abort));
  }

  async add(line: object): Promise<void> {
    this.#buffered += `${JSON.stringify(line)}\n`;
    if (this.#buffered.length >= maxBufferedCharacters) await this.#flush();
  }

  async finish(totals: object): Promise<void> {
    this.#buffered += `${JSON.stringify({ totals })}\n`;
    await this.#flush();
    await this.#attempt(() => this.#output.finish());
  }

  async #flush(): Promise<void> {
    const lines = this.#buffered;
    this.#buffered = "";
    await this.#attempt(() => this.#output.write(lines));
  }

  async #attempt(action: () => Promise<void>): Promise<void> {
    if (this.error !== undefined) return;
    try {
      await action();
    } catch (error) {
      this.error = error;
    }
  }
}

/** Throws if the result and the report would both go to standard output. */
export function rejectSharedOutput({ json, report }: OutputFlags & { readonly report?: string }): void {
  if (!json || report === undefined || !isStandardOutput(report)) return;
  throw new CommandError(
    exitCode.usage,
    `--json and --report ${report} both use standard output: pass a file to --report`,
  );
}

const maxBufferedCharacters = 64 * 1024;

/** Opens and empties a file. Writes directly to it, so that users can read the report while the command runs. */
const emptyFile: OpenFile = async (path) => {
  const handle = await open(path, "w");
  return {
    write: (data) => withFileError("write", path, () => handle.appendFile(data)),
    finish: () => withFileError("write", path, () => handle.close()),
    abandon: () => handle.close(),
  };
};
