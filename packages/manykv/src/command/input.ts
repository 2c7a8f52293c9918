import type { Buffer } from "node:buffer";
import { type BigIntStats, fstatSync } from "node:fs";
import { open } from "node:fs/promises";
import { addAbortSignal, type Readable } from "node:stream";
import { fileError } from "./command-error.js";
import { say } from "./messages.js";

/** Bytes that are read from a file or, for `-`, from standard input. */
export interface Input {
  readonly chunks: AsyncIterable<Buffer>;
  /** The file that they come from; absent where it is a pipe, a terminal or the like. */
  readonly file: BigIntStats | undefined;
  /** The size of a file that was named, or `undefined` where it is not known. */
  readonly size: number | undefined;
  /** How many bytes were read until now. */
  readonly position: () => number;
}

const chunkBytes = 256 * 1024;

/** Opens an input. When `stop` fires, reading ends with an error. */
export async function openInput(path: string, stop: AbortSignal): Promise<Input> {
  if (path === "-" && process.stdin.isTTY) say("reading standard input, up to Ctrl-D");
  const { stream, file, size } = path === "-" ? standardInput() : await openFile(path);
  addAbortSignal(stop, stream);
  let position = 0;
  async function* read(): AsyncGenerator<Buffer> {
    try {
      for await (const chunk of stream) {
        position += chunk.length;
        yield chunk;
      }
    } catch (error) {
      throw fileError("read", path, error);
    }
  }
  return { chunks: read(), file, size, position: () => position };
}

interface Opened {
  readonly stream: Readable;
  readonly file: BigIntStats | undefined;
  readonly size: number | undefined;
}

/** Of a redirected file some may have been read by others, so that its size says nothing. */
function standardInput(): Opened {
  return { stream: process.stdin, file: regularFile(fstatSync(0, { bigint: true })), size: undefined };
}

async function openFile(path: string): Promise<Opened> {
  try {
    const handle = await open(path);
    const status = await handle.stat({ bigint: true });
    if (status.isDirectory()) {
      await handle.close();
      throw Object.assign(new Error("a directory"), { code: "EISDIR" });
    }
    const stream = handle.createReadStream({ highWaterMark: chunkBytes });
    const file = regularFile(status);
    return { stream, file, size: file && Number(file.size) };
  } catch (error) {
    throw fileError("read", path, error);
  }
}

function regularFile(status: BigIntStats): BigIntStats | undefined {
  return status.isFile() ? status : undefined;
}
