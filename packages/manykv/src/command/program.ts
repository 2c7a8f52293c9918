import { Command, CommanderError } from "commander";
import { describeError } from "./command-error.js";
import { type ExitCode, exitCode } from "./exit-code.js";
import { say } from "./messages.js";
import { ReaderGone } from "./output.js";
import { addDeleteCommand } from "./subcommands/delete-command.js";
import { addExportCommand } from "./subcommands/export-command.js";
import type { Finish } from "./subcommands/finish.js";
import { addGetCommand } from "./subcommands/get-command.js";
import { addImportCommand } from "./subcommands/import-command.js";
import { addListCommand } from "./subcommands/list-command.js";
import { addProvisionCommand } from "./subcommands/provision-command.js";
import { addSetCommand } from "./subcommands/set-command.js";

/** Runs the command with the arguments after its name, and gives the exit code. */
export async function runCommand(version: string, args: readonly string[]): Promise<ExitCode> {
  let code: ExitCode = exitCode.done;
  const finish: Finish =
    (run) =>
    async (...parameters) => {
      code = await run(...parameters);
    };
  try {
    await createProgram(version, finish).parseAsync(args, { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.done : exitCode.usage;
    if (error instanceof ReaderGone) return exitCode.done;
    const described = describeError(error);
    say(described.message);
    return described.exitCode;
  }
}

function createProgram(version: string, finish: Finish): Command {
  const program = new Command("manykv")
    .description("Move records in and out of a key-value store: memory, Redis, Postgres or DynamoDB.")
    .version(version, "-v, --version", "print the version")
    .helpCommand("help [command]", "print the help of a command")
    .addHelpText("after", help)
    .showSuggestionAfterError()
    .configureOutput({ outputError: (message, write) => write(withoutSecrets(message)) })
    .exitOverride();
  addImportCommand(program, finish);
  addExportCommand(program, finish);
  addGetCommand(program, finish);
  addSetCommand(program, finish);
  addDeleteCommand(program, finish);
  addListCommand(program, finish);
  addProvisionCommand(program, finish);
  return program;
}

/** Commander repeats what it does not understand, which may be a URL with a password in it. */
function withoutSecrets(message: string): string {
  return message.replace(/:\/\/\S*@/g, "://***@");
}

const help = `
Stores (--store or MANYKV_STORE)
  redis://user:password@host:6379/0            rediss:// for TLS
  redis+cluster://host:7000,host:7001          rediss+cluster:// for TLS
  postgres://user:password@host/database       ?table=name, default manykv
  dynamodb://region/table                      ?endpoint=url
  memory:                                      forgotten when the command ends
  Write special characters in a password percent-encoded.

Exit codes
  0    done
  1    some records were not written, or a key has no value
  2    wrong arguments, options or URL, or a value that no store takes
  3    the store failed or refused
  4    a file could not be read or written
  70   a defect of manykv
  130  interrupted (SIGINT); 143 by SIGTERM

Examples
  export MANYKV_STORE=redis://localhost:6379
  manykv import --bucket countries countries.ndjson
  manykv get --bucket countries fr
  manykv export --bucket countries | jq -r .key
  manykv help import`;
