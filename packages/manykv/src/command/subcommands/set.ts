import { Buffer } from "node:buffer";
import { StoreError } from "@manykv/core";
import { type Command, Option } from "commander";
import { decodeValue, type ValueEncoding, valueEncodings } from "../../records/record.js";
import { CommandError, type ExitCode, exitCode } from "../errors.js";
import { openInput } from "../input.js";
import { addBucketOptions, type BucketFlags, type ToAction, ttlOption } from "../options.js";
import { printJson } from "../output.js";
import { withBucket } from "../with-bucket.js";

interface SetFlags extends BucketFlags {
  readonly file?: string;
  readonly encoding?: ValueEncoding;
  readonly ttl?: number;
  readonly ifAbsent?: boolean;
}

export function addSetCommand(program: Command, toAction: ToAction): void {
  const command = program
    .command("set")
    .summary("set one key")
    .description("Set one key to an argument, the bytes of a file, or standard input.")
    .argument("<key>", "key; put -- before the key if the key or the value starts with a dash")
    .argument("[value]", "value as text, in the encoding of --encoding");
  addBucketOptions(command)
    .option("--file <file>", "use the bytes of a file, or of standard input (-), as the value")
    .addOption(new Option("--encoding <name>", 'encoding of the argument (default: "utf8")').choices(valueEncodings))
    .addOption(ttlOption("time to live of the key"))
    .option("--if-absent", "set the key only if it does not exist")
    .addHelpText("after", help)
    .action(toAction(runSet));
}

const help = `
Without --ttl, the key does not expire, and an earlier expiry is removed. With
--if-absent, set changes nothing and exits with code 1 if the key exists.

Examples
  manykv set fr France
  manykv set --encoding hex flag 0055a4ffffffef4135
  manykv set --file logo.png logo
  date | manykv set --file - last-run
  manykv set --ttl 30m --if-absent lock:nightly "$HOSTNAME"`;

async function runSet(key: string, text: string | undefined, flags: SetFlags): Promise<ExitCode> {
  if ((text === undefined) === (flags.file === undefined))
    throw new CommandError(exitCode.usage, "pass the value either as an argument or with --file");
  return withBucket(flags, async (bucket, interrupt) => {
    const value =
      text === undefined
        ? await readValue(flags, bucket.limits.maxValueBytes, interrupt.stop)
        : parseValue(text, flags.encoding ?? "utf8");
    try {
      await bucket.set(key, value, { ttl: flags.ttl, ifAbsent: flags.ifAbsent, signal: interrupt.abort });
    } catch (error) {
      if (!StoreError.is(error) || error.code !== "precondition-failed") throw error;
      if (flags.json) await printJson({ set: false }, interrupt.stop);
      throw new CommandError(exitCode.incomplete, "the key exists, so it was not set (--if-absent)");
    }
    if (flags.json) await printJson({ set: true }, interrupt.stop);
    return exitCode.done;
  });
}

function parseValue(text: string, encoding: ValueEncoding): Uint8Array {
  const value = decodeValue(text, encoding);
  if (value === undefined) throw new CommandError(exitCode.usage, `the value is not ${encoding}: change --encoding`);
  return value;
}

/** Reads the value. Throws as soon as the value exceeds the limit, so that a large file cannot fill the memory. */
async function readValue(flags: SetFlags, maxBytes: number, stop: AbortSignal): Promise<Uint8Array> {
  if (flags.encoding !== undefined)
    throw new CommandError(exitCode.usage, "--encoding applies only to a value that is an argument, not to a file");
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of (await openInput(flags.file ?? "-", stop)).chunks) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > maxBytes)
      throw new CommandError(exitCode.usage, `the value is longer than the store's limit of ${maxBytes} bytes`);
  }
  return Buffer.concat(chunks);
}
