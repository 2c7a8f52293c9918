import type { Buffer } from "node:buffer";
import { open } from "node:fs/promises";
import { addAbortSignal, type Readable } from "node:stream";
import { fileError } from "./command-error.js";
import { say } from "./messages.js";

/** Bytes that are read from a file or, for `-`, from standard input. */
export interface Input {
  readonly chunks: AsyncIterable<Buffer>;
  /** The file's size, or `undefined` where it is not known. */
  readonly size: number | undefined;
  /** How many bytes were read until now. */
  readonly position: () => number;
}

const chunkBytes = 256 * 1024;

/** Opens an input. When `stop` fires, reading ends with an error. */
export async function openInput(path: string, stop: AbortSignal): Promise<Input> {
  if (path === "-" && process.stdin.isTTY) say("reading standard input, up to Ctrl-D");
  const { stream, size } = path === "-" ? { stream: process.stdin, size: undefined } : await openFile(path);
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
  return { chunks: read(), size, position: () => position };
}

async function openFile(path: string): Promise<{ stream: Readable; size: number | undefined }> {
  try {
    const handle = await open(path);
    const status = await handle.stat();
    if (status.isDirectory()) {
      await handle.close();
      throw Object.assign(new Error("a directory"), { code: "EISDIR" });
    }
    const stream = handle.createReadStream({ highWaterMark: chunkBytes });
    return { stream, size: status.isFile() ? status.size : undefined };
  } catch (error) {
    throw fileError("read", path, error);
  }
}
