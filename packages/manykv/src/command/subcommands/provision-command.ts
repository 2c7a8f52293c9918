import type { Command } from "commander";
import { type ExitCode, exitCode } from "../exit-code.js";
import { addStoreOptions, type StoreFlags } from "../options.js";
import { withStore } from "../with-bucket.js";
import type { Finish } from "./finish.js";

export function addProvisionCommand(program: Command, finish: Finish): void {
  const command = program
    .command("provision")
    .summary("create what the store needs")
    .description("Create what the store needs, such as its table. Running it again does no harm.");
  addStoreOptions(command).addHelpText("after", help).action(finish(runProvision));
}

const help = `
Postgres and DynamoDB need a table; memory and Redis need nothing.

Example
  manykv provision --store "postgres://localhost/shop?table=manykv"`;

function runProvision(flags: StoreFlags): Promise<ExitCode> {
  return withStore(flags, async (store) => {
    await store.provision();
    return exitCode.done;
  });
}
