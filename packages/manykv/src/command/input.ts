import { Buffer } from "node:buffer";
import { type BigIntStats, constants, createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { addAbortSignal, type Readable } from "node:stream";
import { isatty } from "node:tty";
import { descriptorOf, openDescriptor, readStreamOf, statusOf } from "./descriptors.js";
import { fileError, withFileError } from "./errors.js";
import { printMessage } from "./terminal.js";

/** Bytes from a file or, for the path `-`, from standard input. */
export interface Input {
  readonly chunks: AsyncIterable<Buffer>;
  /** Size of the file in bytes, or `undefined` if unknown. */
  readonly size: number | undefined;
  /** Returns the number of bytes read so far. */
  readonly position: () => number;
  /** Returns whether a path, or `-` for standard output, is the file or pipe that the bytes come from. */
  isWrittenBy(path: string): Promise<boolean>;
}

const chunkBytes = 256 * 1024;

/** Opens a file or standard input. After `stop` is aborted, reading fails. */
export async function openInput(path: string, stop: AbortSignal): Promise<Input> {
  if (descriptorOf(path, 0) === 0 && isatty(0)) printMessage("reading standard input: press Ctrl-D to end it");
  const { stream, status, size, hasShrunk } = await withFileError("read", path, () => openStream(path));
  addAbortSignal(stop, stream);
  let position = 0;
  async function* read(): AsyncGenerator<Buffer> {
    try {
      for await (const chunk of stream) {
        position += chunk.length;
        yield chunk;
      }
      // For example, a program that rotates logs has emptied it. The end of the input would look complete.
      if (hasShrunk()) throw Object.assign(new Error("truncated"), { code: "TRUNCATED" });
    } catch (error) {
      throw fileError("read", path, error);
    }
  }
  return { chunks: read(), size, position: () => position, isWrittenBy: (output) => isSameFile(status, output) };
}

/** Reads a whole file or standard input. */
export async function readInput(path: string, stop: AbortSignal): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of (await openInput(path, stop)).chunks) chunks.push(chunk);
  return Buffer.concat(chunks);
}

interface Opened {
  readonly stream: Readable;
  readonly status: BigIntStats;
  readonly size: number | undefined;
  /** Returns whether the file was shorter at its end than when it was opened. */
  readonly hasShrunk: () => boolean;
}

async function openStream(path: string): Promise<Opened> {
  const inherited = descriptorOf(path, 0);
  const descriptor = inherited ?? (await openFile(path));
  const status = statusOf(descriptor);
  if (status.isDirectory()) throw Object.assign(new Error("a directory"), { code: "EISDIR" });
  const stream = readStreamOf(descriptor) ?? createReadStream("", { fd: descriptor, highWaterMark: chunkBytes });
  // Another process may already have read a part of an inherited file.
  const size = inherited === undefined && status.isFile() ? Number(status.size) : undefined;
  let hasShrunk = false;
  stream.once("end", () => {
    hasShrunk = status.isFile() && statusOf(descriptor).size < status.size;
  });
  return { stream, status, size, hasShrunk: () => hasShrunk };
}

/** Opens a file. Opens a FIFO without waiting for its writer, because the wait would block a thread. */
async function openFile(path: string): Promise<number> {
  const isFifo = (await stat(path)).isFIFO();
  return openDescriptor(path, constants.O_RDONLY | (isFifo ? constants.O_NONBLOCK : 0));
}

async function isSameFile(input: BigIntStats, path: string): Promise<boolean> {
  if (!input.isFile() && !input.isFIFO()) return false;
  const descriptor = descriptorOf(path, 1);
  const output =
    descriptor === undefined ? await stat(path, { bigint: true }).catch(() => undefined) : statusOf(descriptor);
  return output?.dev === input.dev && output.ino === input.ino;
}
