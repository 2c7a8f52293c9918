import { randomUUID } from "node:crypto";
import type { Command } from "commander";
import { type Checkup, checkupJson, checkupText, findingsText } from "../doctor/checkup.js";
import { tryOperations } from "../doctor/operations.js";
import { CommandError, type ExitCode, exitCode, inCommandTerms } from "../errors.js";
import { addStoreOptions, type StoreFlags, type ToAction } from "../options.js";
import { openStandardOutput } from "../output.js";
import { openBucket, withStore } from "../with-bucket.js";

interface DoctorFlags extends StoreFlags {
  readonly bucket?: string;
  readonly readOnly?: boolean;
}

export function addDoctorCommand(program: Command, toAction: ToAction): void {
  const command = program
    .command("doctor")
    .summary("check a server before you trust it with data")
    .description("Report what a server is and can do, which operations succeed, and what may lose data.")
    .argument("[url]", "store URL (default: --store or MANYKV_STORE)");
  addStoreOptions(command)
    .option("-b, --bucket <name>", "bucket in which to try operations (default: a new one with a random name)")
    .option("--read-only", "write nothing, and expect no permission to write")
    .addHelpText("after", help)
    .action(toAction(runDoctor));
}

const help = `
Severities of findings
  data-loss  the server may lose or change data that it has acknowledged
  warning    a guarantee of manykv may not hold, or operations fail
  note       another fact, such as a setting that the server does not report

With --quiet, doctor prints only the findings, one per line.

doctor tries each operation with two keys that have random names, and deletes them.

Exit codes
  0    no finding has the severity data-loss, and no operation failed
  1    a finding has the severity data-loss
  3    the server cannot be reached or described, or an operation failed

Examples
  manykv doctor redis://localhost:6379
  manykv doctor --read-only "postgres://reader@localhost/shop?table=manykv"
  manykv doctor --json | jq -r '.findings[].code'`;

async function runDoctor(url: string | undefined, flags: DoctorFlags, command: Command): Promise<ExitCode> {
  if (url !== undefined && command.getOptionValueSource("store") === "cli")
    throw new CommandError(exitCode.usage, "pass the store URL either as an argument or with --store");
  return withStore({ ...flags, ...(url !== undefined && { store: url }) }, async (store, interrupt) => {
    const bucket = await openBucket(store, flags.bucket ?? `doctor-${randomUUID()}`);
    const output = await openStandardOutput(interrupt.stop);
    const description = await store.describe({ signal: interrupt.stop });
    const { abilities } = description;
    const { findings, ...tried } = await tryOperations(bucket, {
      abilities,
      readOnly: flags.readOnly === true,
      interrupt,
    });
    const checkup: Checkup = {
      ...description,
      ...tried,
      findings: [...description.findings, ...findings].map((finding) => ({
        ...finding,
        message: inCommandTerms(finding.message),
      })),
    };
    await output.write(format(checkup, flags));
    return exitCodeFor(checkup);
  });
}

function format(checkup: Checkup, { json, quiet }: DoctorFlags): string {
  if (json) return checkupJson(checkup);
  return quiet ? findingsText(checkup) : checkupText(checkup);
}

function exitCodeFor({ findings, operations }: Checkup): ExitCode {
  if (findings.some(({ severity }) => severity === "data-loss")) return exitCode.incomplete;
  return operations.some(({ status }) => status === "failed") ? exitCode.store : exitCode.done;
}
