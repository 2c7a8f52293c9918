import { Command, CommanderError } from "commander";
import { CommandError, describeError, type ExitCode, exitCode, ReaderClosed, withoutCredentials } from "./errors.js";
import { interrupt } from "./interrupt.js";
import { rejectRepeatedOptions, type ToAction } from "./options.js";
import { openStandardOutput } from "./output.js";
import { addBenchCommand } from "./subcommands/bench.js";
import { addBucketsCommand } from "./subcommands/buckets.js";
import { addClearCommand } from "./subcommands/clear.js";
import { addCompareCommand } from "./subcommands/compare.js";
import { addCompletionCommand } from "./subcommands/completion.js";
import { addConformanceCommand } from "./subcommands/conformance.js";
import { addCopyCommand } from "./subcommands/copy.js";
import { addCountCommand } from "./subcommands/count.js";
import { addDeleteCommand } from "./subcommands/delete.js";
import { addDoctorCommand } from "./subcommands/doctor.js";
import { addExportCommand } from "./subcommands/export.js";
import { addGetCommand } from "./subcommands/get.js";
import { addImportCommand } from "./subcommands/import.js";
import { addIncrementCommand } from "./subcommands/increment.js";
import { addListCommand } from "./subcommands/list.js";
import { addProvisionCommand } from "./subcommands/provision.js";
import { addRunCommand } from "./subcommands/run.js";
import { addServeCommand } from "./subcommands/serve.js";
import { addSetCommand } from "./subcommands/set.js";
import { addSweepCommand } from "./subcommands/sweep.js";
import { withCloseSuggestions } from "./suggestions.js";
import { printMessage } from "./terminal.js";

/** Runs the command with the arguments after its name and returns the exit code. */
export async function runCommand(version: string, args: readonly string[]): Promise<ExitCode> {
  let code: ExitCode = exitCode.done;
  const toAction: ToAction =
    (run) =>
    async (...parameters) => {
      code = await run(...parameters);
    };
  let printed = "";
  const program = createProgram(version, toAction, (text) => {
    printed += text;
  });
  try {
    rejectReplacedBytes(args);
    await program.parseAsync(args, { from: "user" }).catch((error: unknown) => {
      if (!(error instanceof CommanderError)) throw error;
      // `manykv set key -h` prints the help and sets nothing, so it must fail.
      const isUnexpectedHelp =
        error.code === "commander.helpDisplayed" && args.length > Math.max(1, countNames(program, args)) + 1;
      code = error.exitCode === 0 && !isUnexpectedHelp ? exitCode.done : exitCode.usage;
    });
    if (printed !== "") await (await openStandardOutput(interrupt.stop)).write(printed);
    return code;
  } catch (error) {
    if (error instanceof ReaderClosed) return code;
    const described = describeError(error);
    printMessage(described.message);
    return interrupt.exitCode ?? described.exitCode;
  }
}

/** Returns how many of the first arguments name a subcommand, such as 2 for `conformance report --help`. */
function countNames(program: Command, args: readonly string[]): number {
  const found = program.commands.find((command) => command.name() === args[0]);
  return found === undefined ? 0 : 1 + countNames(found, args.slice(1));
}

/**
 * Throws if an argument may have contained bytes that are not UTF-8. Node.js, and tools such as npx that start the
 * command, replace such bytes with U+FFFD, so the command would use a different key, value or file.
 */
function rejectReplacedBytes(args: readonly string[]): void {
  const index = args.findIndex((arg) => arg.includes("\ufffd"));
  if (index === -1) return;
  throw new CommandError(
    exitCode.usage,
    `argument ${index + 1} is not UTF-8, or it contains the character U+FFFD, with which Node.js replaces other bytes. Pass a key that contains U+FFFD in a file (--keys-from, or manykv import), and such a value with --file. To use a file with such a name, redirect standard input or output`,
  );
}

/**
 * Creates the parser of all subcommands. `toAction` receives the function of each. `writeHelp` receives the help or the
 * version, which the parser otherwise prints.
 */
export function createProgram(version: string, toAction: ToAction, writeHelp?: (text: string) => void): Command {
  const program = new Command("manykv")
    .description("Move records in and out of a key-value store: memory, Redis, Postgres or DynamoDB.")
    .version(version, "-v, --version", "print the version")
    .helpCommand("help [command]", "print the help of a command")
    .addHelpText("after", help)
    .showSuggestionAfterError()
    // Otherwise, `manykv set key -v` would print the version and set nothing.
    .enablePositionalOptions()
    // An unknown argument, which Commander's errors repeat, may be a URL with a password.
    .configureOutput({
      ...(writeHelp && { writeOut: writeHelp }),
      outputError: (message, write) => write(withoutCredentials(withCloseSuggestions(message))),
    })
    .exitOverride();
  addImportCommand(program, toAction);
  addExportCommand(program, toAction);
  addCopyCommand(program, toAction);
  addCompareCommand(program, toAction);
  addGetCommand(program, toAction);
  addSetCommand(program, toAction);
  addIncrementCommand(program, toAction);
  addDeleteCommand(program, toAction);
  addClearCommand(program, toAction);
  addListCommand(program, toAction);
  addCountCommand(program, toAction);
  addBucketsCommand(program, toAction);
  addProvisionCommand(program, toAction);
  addSweepCommand(program, toAction);
  addDoctorCommand(program, toAction);
  addRunCommand(program, toAction);
  addServeCommand(program, toAction);
  addConformanceCommand(program, toAction);
  addCompletionCommand(program, toAction);
  addBenchCommand(program, toAction);
  for (const command of program.commands)
    for (const each of [command, ...command.commands]) rejectRepeatedOptions(each);
  return program;
}

const help = `
Stores (--store or MANYKV_STORE)
  redis://user:password@host:6379/0            rediss:// for TLS
  redis+cluster://host:7000,host:7001          rediss+cluster:// for TLS
  redis+sentinel://host:26379,host:26379/name  rediss+sentinel:// for TLS
  redis+unix:///run/redis/redis.sock           ?db=0
  postgres://user:password@host/database       ?table=name (default: manykv)
  dynamodb://region/table                      ?endpoint=url
  memory:                                      discarded when the command ends
  Percent-encode special characters in a password.

Exit codes
  0    success
  1    some records were not written, some keys have no value, a value cannot be
       incremented, a backend does not conform or returned a wrong answer, doctor found
       that a server may lose data, two stores differ, or a bucket to copy, compare or
       export has no keys
  2    invalid arguments or URL, or a key or value over the store's limits
  3    the store failed or rejected the call
  4    a file or a pipe cannot be read or written
  70   a bug in manykv
  129  stopped by SIGHUP
  130  stopped by SIGINT (Ctrl-C); 143 by SIGTERM

Examples
  export MANYKV_STORE=redis://localhost:6379
  manykv import --bucket countries countries.ndjson
  manykv get --bucket countries fr
  manykv export --bucket countries | jq -r .key
  manykv help import`;
