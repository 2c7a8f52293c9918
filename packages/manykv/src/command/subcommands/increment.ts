import { BatchError } from "@manykv/core";
import { type Command, InvalidArgumentError } from "commander";
import { CommandError, type ExitCode, exitCode } from "../errors.js";
import { addBucketOptions, type BucketFlags, type ToAction, ttlOption } from "../options.js";
import { openStandardOutput } from "../output.js";
import { withBucket } from "../with-bucket.js";

interface IncrementFlags extends BucketFlags {
  readonly ttl?: number;
}

export function addIncrementCommand(program: Command, toAction: ToAction): void {
  const command = program
    .command("increment")
    .summary("add a number to an integer")
    .description("Add a number to the integer that a key holds, atomically, and print the result.")
    .argument("<key>", "key; put -- before the key if it starts with a dash")
    .argument("[delta]", "signed 64-bit integer to add (default: 1)", parseInteger);
  addBucketOptions(command)
    .addOption(ttlOption("time to live of the key if this call creates it"))
    .addHelpText("after", help)
    .action(toAction(runIncrement));
}

const help = `
The value is a signed 64-bit integer in decimal text. A missing key counts as 0. An
existing key keeps its expiry. If the value is not such an integer, or the result
does not fit in 64 bits, the value does not change, and the exit code is 1. If the
response of the store is lost, it is unknown whether the key was incremented. The
exit code is then 3, and increment does not try again.

Examples
  manykv increment visits
  manykv increment stock:apples -5
  manykv increment --ttl 1m requests:192.0.2.7`;

/** Parses an integer that fits in 64 bits. */
function parseInteger(text: string): bigint {
  const integer = /^-?\d+$/.test(text) ? BigInt(text) : undefined;
  if (integer !== undefined && integer === BigInt.asIntN(64, integer)) return integer;
  throw new InvalidArgumentError("Pass a signed 64-bit integer, such as 5 or -5.");
}

async function runIncrement(key: string, delta: bigint | undefined, flags: IncrementFlags): Promise<ExitCode> {
  return withBucket(flags, async (bucket, interrupt) => {
    const output = await openStandardOutput(interrupt.stop);
    const call = bucket.increment(key, delta, { ttl: flags.ttl, signal: interrupt.abort });
    const value = await call.catch(rethrow);
    // A JSON number of this size would lose digits.
    await output.write(flags.json ? `${JSON.stringify({ value: `${value}` })}\n` : `${value}\n`);
    return exitCode.done;
  });
}

function rethrow(error: unknown): never {
  if (!BatchError.is(error)) throw error;
  if (error.counts.unknown > 0) {
    throw new CommandError(
      exitCode.store,
      `the response was lost (${error.code}), so it is unknown whether the key was incremented: get its value before you increment it again`,
    );
  }
  const message = messages.get(error.code);
  throw message === undefined ? error : new CommandError(exitCode.incomplete, message);
}

const messages: ReadonlyMap<string, string> = new Map([
  ["precondition-failed", "the result does not fit in 64 bits, so the value was not changed"],
  ["wrong-type", "the value is not a signed 64-bit integer in decimal text, so it was not changed"],
]);
