import type { Command } from "commander";
import { type ExitCode, exitCode } from "../errors.js";
import { addStoreOptions, type StoreFlags, type ToAction } from "../options.js";
import { printJson } from "../output.js";
import { unlessAborted } from "../unless-aborted.js";
import { withStore } from "../with-bucket.js";

export function addProvisionCommand(program: Command, toAction: ToAction): void {
  const command = program
    .command("provision")
    .summary("create what the store needs")
    .description("Create what the store needs, such as its table. Safe to repeat.");
  addStoreOptions(command).addHelpText("after", help).action(toAction(runProvision));
}

const help = `
Postgres and DynamoDB need a table. Memory and Redis need nothing.

Example
  manykv provision --store "postgres://localhost/shop?table=manykv"`;

function runProvision(flags: StoreFlags): Promise<ExitCode> {
  return withStore(flags, async (store, interrupt) => {
    await unlessAborted(interrupt.stop, store.provision());
    if (flags.json) await printJson({ provisioned: true }, interrupt.stop);
    return exitCode.done;
  });
}
