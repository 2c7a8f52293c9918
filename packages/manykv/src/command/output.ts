import { constants, type Stats, writeFile } from "node:fs";
import { stat } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import { descriptorOf, openDescriptor, writeStreamOf } from "./descriptors.js";
import { hasCode, ReaderClosed, withFileError } from "./errors.js";
import { neverBlock } from "./terminal.js";
import { unlessAborted } from "./unless-aborted.js";

/** Destination of the results: a file or, for the path `-`, standard output. */
export interface Output {
  /** Resolves after the data was written. */
  write(data: string | Uint8Array): Promise<void>;
  /** Completes the output. Call it after the last write. */
  finish(): Promise<void>;
  /** Closes an incomplete output. Call it after a failure. */
  abandon(): Promise<void>;
}

/** Opens a regular file for writing. `existing` is the status of the file, or `undefined` if it does not exist. */
export type OpenFile = (path: string, existing: Stats | undefined, stop: AbortSignal) => Promise<Output>;

/**
 * Opens an output. Opens a regular file with `openFile`, and writes directly to a pipe, a terminal or a device. `stop`
 * ends the wait for the reader of a FIFO. `abort` ends a write that waits for its reader.
 */
export function openOutput(
  path: string,
  openFile: OpenFile,
  stop: AbortSignal,
  abort: AbortSignal = stop,
): Promise<Output> {
  return withFileError("write", path, async () => {
    const inherited = descriptorOf(path, 1);
    if (inherited !== undefined) return descriptorOutput(path, inherited, abort);
    const existing = await stat(path).catch(() => undefined);
    if (existing === undefined || existing.isFile()) return openFile(path, existing, stop);
    const opened = existing.isFIFO() ? openFifo(path, stop) : openDescriptor(path, constants.O_WRONLY);
    return descriptorOutput(path, await opened, abort);
  });
}

export function openStandardOutput(stop: AbortSignal): Promise<Output> {
  return withFileError("write", "-", async () => descriptorOutput("-", 1, stop));
}

/** Prints the result of a subcommand for programs: one line of JSON. */
export async function printJson(result: unknown, stop: AbortSignal): Promise<void> {
  await (await openStandardOutput(stop)).write(`${JSON.stringify(result)}\n`);
}

/** Opens a FIFO once it has a reader. An open that waits for the reader would block a thread. */
async function openFifo(path: string, stop: AbortSignal): Promise<number> {
  for (;;) {
    try {
      return await openDescriptor(path, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch (error) {
      if (!hasCode(error, "ENXIO")) throw error;
    }
    await setTimeout(retryMilliseconds, undefined, { signal: stop });
  }
}

const retryMilliseconds = 50;

const writeToDescriptor = promisify(writeFile);

function descriptorOutput(path: string, descriptor: number, abort: AbortSignal): Output {
  const stream = writeStreamOf(descriptor);
  stream?.on("error", () => {}); // The callback of `write` also receives the error.
  if (stream !== undefined) neverBlock(stream);
  const write = (data: string | Uint8Array): Promise<void> => {
    // If the file system became full, process.stdout would silently discard the rest of the data.
    if (stream === undefined) return writeToDescriptor(descriptor, data);
    const written = new Promise<void>((resolve, reject) => {
      stream.write(data, (error) => (error ? reject(error) : resolve()));
    });
    return unlessAborted(abort, written);
  };
  const close = async (): Promise<void> => {
    if (descriptor > 2) stream?.destroy();
  };
  return {
    write: (data) =>
      withFileError("write", path, async () => {
        try {
          await write(data);
        } catch (error) {
          if (descriptor === 1 && hasCode(error, "EPIPE", "ERR_STREAM_DESTROYED")) throw new ReaderClosed();
          throw error;
        }
      }),
    finish: close,
    abandon: close,
  };
}
