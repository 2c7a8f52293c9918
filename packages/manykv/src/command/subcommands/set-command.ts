import { Buffer } from "node:buffer";
import { type Command, Option } from "commander";
import { decodeValue, type ValueEncoding, valueEncodings } from "../../records/value-encoding.js";
import { CommandError } from "../command-error.js";
import { type ExitCode, exitCode } from "../exit-code.js";
import { openInput } from "../input.js";
import { addBucketOptions, type BucketFlags } from "../options.js";
import { withBucket } from "../with-bucket.js";
import type { Finish } from "./finish.js";

interface SetFlags extends BucketFlags {
  readonly file?: string;
  readonly encoding?: ValueEncoding;
}

export function addSetCommand(program: Command, finish: Finish): void {
  const command = program
    .command("set")
    .summary("set one key")
    .description("Set one key to a value: an argument, a file, or standard input.")
    .argument("<key>", "key; put -- before one that starts with a dash")
    .argument("[value]", "value, as text");
  addBucketOptions(command)
    .option("--file <file>", "take the bytes of a file as the value, or of standard input for -")
    .addOption(
      new Option("--encoding <name>", 'how the argument is written (default: "utf8")').choices(
        valueEncodings,
      ),
    )
    .addHelpText("after", help)
    .action(finish(runSet));
}

const help = `
Examples
  manykv set fr France
  manykv set --encoding hex flag 0055a4ffffffef4135
  manykv set --file logo.png logo
  date | manykv set --file - last-run`;

async function runSet(key: string, text: string | undefined, flags: SetFlags): Promise<ExitCode> {
  if ((text === undefined) === (flags.file === undefined)) {
    throw new CommandError(exitCode.usage, "give the value either as an argument or by --file");
  }
  return withBucket(flags, async (bucket, interrupt) => {
    const value =
      text === undefined
        ? await readValue(flags, bucket.limits.maxValueBytes, interrupt.stop)
        : bytesOf(text, flags.encoding ?? "utf8");
    await bucket.set(key, value, { signal: interrupt.abort });
    return exitCode.done;
  });
}

function bytesOf(text: string, encoding: ValueEncoding): Uint8Array {
  const value = decodeValue(text, encoding);
  if (value === undefined) throw new CommandError(exitCode.usage, `the value is not ${encoding}`);
  return value;
}

/** Reads up to the limit, so that a value that is too large never fills the memory. */
async function readValue(flags: SetFlags, maxBytes: number, stop: AbortSignal): Promise<Uint8Array> {
  if (flags.encoding !== undefined) {
    throw new CommandError(exitCode.usage, "--encoding goes with a value that is an argument");
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of (await openInput(flags.file ?? "-", stop)).chunks) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > maxBytes) {
      throw new CommandError(
        exitCode.usage,
        `the value has over ${maxBytes} bytes, which is all the store takes`,
      );
    }
  }
  return Buffer.concat(chunks);
}
