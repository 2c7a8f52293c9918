import { Argument, type Command } from "commander";
import { completionScripts } from "../completion-scripts.js";
import { type ExitCode, exitCode } from "../errors.js";
import { interrupt } from "../interrupt.js";
import type { ToAction } from "../options.js";
import { openStandardOutput } from "../output.js";

export function addCompletionCommand(program: Command, toAction: ToAction): void {
  program
    .command("completion")
    .summary("print a script that completes the command in a shell")
    .description("Print a script with which a shell completes subcommands, options, their values and files.")
    .addArgument(new Argument("<shell>", "shell").choices(Object.keys(completionScripts)))
    .addHelpText("after", help)
    .action(toAction((shell: keyof typeof completionScripts) => printScript(program, shell)));
}

const help = `
Examples
  source <(manykv completion bash)    # in ~/.bashrc
  source <(manykv completion zsh)     # in ~/.zshrc, after compinit
  manykv completion fish > ~/.config/fish/completions/manykv.fish`;

async function printScript(program: Command, shell: keyof typeof completionScripts): Promise<ExitCode> {
  const output = await openStandardOutput(interrupt.stop);
  await output.write(completionScripts[shell](program));
  return exitCode.done;
}
