import { isStandardOutput } from "./descriptors.js";
import { CommandError, exitCode, ReaderClosed } from "./errors.js";
import type { Interrupt } from "./interrupt.js";
import { type Output, openOutput, openStandardOutput } from "./output.js";
import { replaceFile } from "./replace-file.js";
import { rejectSameFile } from "./same-file.js";

/** The files of a run's reports. They are opened before the run, so that a wrong path fails at once. */
export class ReportFiles<Format extends string> {
  readonly #outputs: readonly (readonly [Format, Output])[];
  readonly #usesStandardOutput: boolean;
  readonly #abort: AbortSignal;

  private constructor(
    outputs: readonly (readonly [Format, Output])[],
    usesStandardOutput: boolean,
    abort: AbortSignal,
  ) {
    this.#outputs = outputs;
    this.#usesStandardOutput = usesStandardOutput;
    this.#abort = abort;
  }

  /** Opens the files that the options name. A format is the name of its option. */
  static async open<Format extends string>(
    formats: readonly Format[],
    flags: { readonly [format in Format]?: string },
    { abort }: Interrupt,
  ): Promise<ReportFiles<Format>> {
    const chosen = formats.filter((format) => flags[format] !== undefined);
    const paths = chosen.map((format) => flags[format] as string);
    await rejectSameFile(chosen.map((format, index) => [`--${format}`, paths[index] as string]));
    const outputs: [Format, Output][] = [];
    try {
      for (const [index, format] of chosen.entries()) {
        // After the first signal, the command still writes what is known. So only the second one ends a write.
        outputs.push([format, await openOutput(paths[index] as string, replaceFile, abort)]);
      }
    } catch (error) {
      for (const [, output] of outputs) await output.abandon();
      throw error;
    }
    return new ReportFiles(outputs, paths.some(isStandardOutput), abort);
  }

  async write(textOf: (format: Format) => string | Promise<string>): Promise<void> {
    for (const [format, output] of this.#outputs) {
      try {
        await output.write(await textOf(format));
        await output.finish();
      } catch (error) {
        // A CI job whose report is incomplete must fail.
        throw error instanceof ReaderClosed ? new CommandError(exitCode.file, error.message) : error;
      }
    }
  }

  async abandon(): Promise<void> {
    for (const [, output] of this.#outputs) await output.abandon();
  }

  /** Prints text to standard output, unless a report goes there. A reader that closes it does not change the exit code. */
  async print(text: string): Promise<void> {
    if (this.#usesStandardOutput) {
      process.stderr.write(text);
      return;
    }
    try {
      await (await openStandardOutput(this.#abort)).write(text);
    } catch (error) {
      if (!(error instanceof ReaderClosed)) throw error;
    }
  }
}
