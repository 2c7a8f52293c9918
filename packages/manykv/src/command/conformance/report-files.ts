import type { SuiteResult } from "@manykv/conformance";
import type { Command } from "commander";
import { CommandError, exitCode, ReaderClosed } from "../errors.js";
import type { Interrupt } from "../interrupt.js";
import { type Output, openOutput } from "../output.js";
import { replaceFile } from "../replace-file.js";
import type { Conformance } from "./load-conformance.js";

export interface ReportFlags {
  readonly json?: string;
  readonly junit?: string;
  readonly html?: string;
}

export function addReportOptions(command: Command): Command {
  return command
    .option("--html <file>", "write an HTML page that shows rules, backends and cases; - for standard output")
    .option("--junit <file>", "write JUnit XML for CI servers; - for standard output");
}

type Format = keyof ReportFlags;

type Formatter = (conformance: Conformance, results: readonly SuiteResult[]) => string;

const formatters: Readonly<Record<Format, Formatter>> = {
  json: ({ toJson }, [result]) => `${JSON.stringify(toJson(result as SuiteResult), undefined, 2)}\n`,
  junit: ({ junitReport }, results) => junitReport(results),
  html: ({ htmlReport }, results) => htmlReport(results),
};

/** The files of a run's reports. They are opened before the run, so that a wrong path fails at once. */
export class ReportFiles {
  readonly #outputs: readonly (readonly [Format, Output])[];
  /** Whether a report goes to standard output, so that other text must not. */
  readonly usesStandardOutput: boolean;

  private constructor(outputs: readonly (readonly [Format, Output])[], usesStandardOutput: boolean) {
    this.#outputs = outputs;
    this.usesStandardOutput = usesStandardOutput;
  }

  static async open(flags: ReportFlags, { abort }: Interrupt): Promise<ReportFiles> {
    const formats = (Object.keys(formatters) as Format[]).filter((format) => flags[format] !== undefined);
    const paths = formats.map((format) => flags[format] as string);
    if (new Set(paths).size < paths.length)
      throw new CommandError(exitCode.usage, "--json, --junit and --html must name different files");
    const outputs: [Format, Output][] = [];
    try {
      for (const [index, format] of formats.entries()) {
        // After the first signal, the command still writes what is known. So only the second one ends a write.
        outputs.push([format, await openOutput(paths[index] as string, replaceFile, abort)]);
      }
    } catch (error) {
      for (const [, output] of outputs) await output.abandon();
      throw error;
    }
    return new ReportFiles(outputs, paths.includes("-"));
  }

  async write(conformance: Conformance, results: readonly SuiteResult[]): Promise<void> {
    for (const [format, output] of this.#outputs) {
      try {
        await output.write(formatters[format](conformance, results));
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
}
