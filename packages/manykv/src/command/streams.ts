import type { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { type BigIntStats, fstatSync, type Stats } from "node:fs";
import { type FileHandle, open, readlink, realpath, rename, rm, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { addAbortSignal, type Readable } from "node:stream";
import { fileError, ReaderClosed } from "./errors.js";
import { printMessage } from "./terminal.js";

/** Bytes from a file or, for the path `-`, from standard input. */
export interface Input {
  readonly chunks: AsyncIterable<Buffer>;
  /** Status of the file that the bytes come from. `undefined` for a pipe, a terminal or a device. */
  readonly file: BigIntStats | undefined;
  /** Size of the file in bytes, or `undefined` if unknown. */
  readonly size: number | undefined;
  /** Returns the number of bytes read so far. */
  readonly position: () => number;
}

const chunkBytes = 256 * 1024;

/** Opens a file or standard input. If `stop` is aborted, reading fails. */
export async function openInput(path: string, stop: AbortSignal): Promise<Input> {
  if (path === "-" && process.stdin.isTTY) printMessage("reading standard input: press Ctrl-D to end it");
  const { stream, file, size } = path === "-" ? standardInput() : await openInputFile(path);
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

type OpenedInput = Pick<Input, "file" | "size"> & { readonly stream: Readable };

/** Returns standard input without a size, because another process may already have read part of a redirected file. */
function standardInput(): OpenedInput {
  const status = fstatSync(0, { bigint: true });
  // Node.js reads a directory as an empty input.
  if (status.isDirectory()) throw fileError("read", "standard input", isDirectory());
  return { stream: process.stdin, file: regularFile(status), size: undefined };
}

async function openInputFile(path: string): Promise<OpenedInput> {
  try {
    const handle = await open(path);
    const status = await handle.stat({ bigint: true });
    if (status.isDirectory()) {
      await handle.close();
      throw isDirectory();
    }
    const stream = handle.createReadStream({ highWaterMark: chunkBytes });
    const file = regularFile(status);
    return { stream, file, size: file && Number(file.size) };
  } catch (error) {
    throw fileError("read", path, error);
  }
}

function isDirectory(): Error {
  return Object.assign(new Error("a directory"), { code: "EISDIR" });
}

function regularFile(status: BigIntStats): BigIntStats | undefined {
  return status.isFile() ? status : undefined;
}

/** Destination of the results: a file or, for the path `-`, standard output. */
export interface Output {
  /** Resolves after the data was written. */
  write(data: string | Uint8Array): Promise<void>;
  /** Completes the output. Call it after the last write. */
  finish(): Promise<void>;
  /** Closes an incomplete output and removes its temporary file. Call it after a failure. */
  abandon(): Promise<void>;
}

export function openOutput(path: string): Promise<Output> {
  return path === "-" ? Promise.resolve(standardOutput()) : openOutputFile(path);
}

function standardOutput(): Output {
  return {
    write: (data) =>
      new Promise((resolve, reject) => {
        process.stdout.write(data, (error) => (error ? reject(outputError(error)) : resolve()));
      }),
    finish: () => Promise.resolve(),
    abandon: () => Promise.resolve(),
  };
}

function outputError(error: Error): Error {
  const code = "code" in error ? error.code : undefined;
  if (code === "EPIPE" || code === "ERR_STREAM_DESTROYED") return new ReaderClosed();
  return fileError("write", "standard output", error);
}

/** Opens a file for writing. Writes a device directly, but a regular file under a temporary name until `finish`. */
async function openOutputFile(path: string): Promise<Output> {
  const attempt = async <Value>(action: () => Promise<Value>): Promise<Value> => {
    try {
      return await action();
    } catch (error) {
      throw fileError("write", path, error);
    }
  };
  const existing = await stat(path).catch(() => undefined);
  if (existing !== undefined && !existing.isFile()) {
    const handle = await attempt(() => open(path, "w"));
    return {
      write: (data) => attempt(() => handle.appendFile(data)),
      finish: () => attempt(() => handle.close()),
      abandon: () => handle.close().catch(() => {}),
    };
  }
  const target = await attempt(() => followLinks(path));
  const part = `${target}.${randomBytes(6).toString("hex")}.part`;
  const handle = await attempt(() => createPart(part, existing));
  return {
    write: (data) => attempt(() => handle.appendFile(data)),
    finish: () =>
      attempt(async () => {
        await handle.close();
        await rename(part, target);
      }),
    abandon: async () => {
      await handle.close().catch(() => {});
      await rm(part, { force: true });
    },
  };
}

/** Creates the temporary file with the permissions of the file that it replaces. */
async function createPart(path: string, replaced: Stats | undefined): Promise<FileHandle> {
  if (replaced === undefined) return open(path, "wx");
  const handle = await open(path, "wx", 0o600);
  await handle.chmod(replaced.mode & 0o777);
  return handle;
}

/** Follows symbolic links and returns the path of their target, even if it is missing. Does not change the links. */
async function followLinks(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    const link = await readlink(path).catch(() => undefined);
    return link === undefined ? path : followLinks(resolve(dirname(path), link));
  }
}
