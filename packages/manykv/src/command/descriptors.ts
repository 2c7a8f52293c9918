import { type BigIntStats, fstatSync, open } from "node:fs";
import { Socket } from "node:net";
import { isatty, ReadStream, WriteStream } from "node:tty";
import { promisify } from "node:util";

/** Opens a file and returns its descriptor. */
export const openDescriptor: (path: string, flags: number) => Promise<number> = promisify(open);

/**
 * Returns the open descriptor that a path names: `standard` for `-`, and 1 for `/dev/stdout` or `/dev/fd/1`. To open
 * such a path again would fail for a socket, and would empty a file that the shell opened to append to it.
 */
export function descriptorOf(path: string, standard: 0 | 1): number | undefined {
  if (path === "-") return standard;
  const standardName = /^\/dev\/std(in|out|err)$/.exec(path)?.[1];
  if (standardName !== undefined) return ["in", "out", "err"].indexOf(standardName);
  const number = /^\/(?:dev|proc\/self)\/fd\/(\d+)$/.exec(path)?.[1];
  return number === undefined ? undefined : Number(number);
}

/** Returns whether a path names standard output, as `-` and `/dev/stdout` do. */
export function isStandardOutput(path: string): boolean {
  return descriptorOf(path, 1) === 1;
}

/**
 * Returns the status of a descriptor. Its numbers are of type `bigint`, because in Node.js 20, a call of `fstatSync`
 * without `bigint` for a pipe prevents later imports from resolving symbolic links.
 */
export function statusOf(descriptor: number): BigIntStats {
  return fstatSync(descriptor, { bigint: true });
}

/**
 * Returns a stream for a pipe, a socket or a terminal, and `undefined` for other files. A stream that waits for data
 * blocks no thread, so the process can end.
 */
export function readStreamOf(descriptor: number): Socket | undefined {
  if (isatty(descriptor)) return new ReadStream(descriptor);
  return isPipe(descriptor) ? new Socket({ fd: descriptor, readable: true, writable: false }) : undefined;
}

/** Like {@link readStreamOf}, but returns a stream for writing. */
export function writeStreamOf(descriptor: number): Socket | undefined {
  const standard = [undefined, process.stdout, process.stderr][descriptor];
  if (standard !== undefined) return standard instanceof Socket ? standard : undefined;
  if (isatty(descriptor)) return new WriteStream(descriptor);
  return isPipe(descriptor) ? new Socket({ fd: descriptor, readable: false, writable: true }) : undefined;
}

function isPipe(descriptor: number): boolean {
  const status = statusOf(descriptor);
  return status.isFIFO() || status.isSocket();
}
