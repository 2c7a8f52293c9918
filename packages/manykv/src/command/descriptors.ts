import { type BigIntStats, fstatSync, open } from "node:fs";
import { Socket } from "node:net";
import { isatty, ReadStream, WriteStream } from "node:tty";
import { promisify } from "node:util";

/** Opens a file and returns its descriptor. */
export const openDescriptor: (path: string, flags: number) => Promise<number> = promisify(open);

/**
 * Returns the open descriptor that a path names: `standard` for `-`, and 1 for `/dev/stdout` or `/dev/fd/1`. Opening
 * these paths would fail for a socket, and would empty a file that a shell opened to append to it.
 */
export function descriptorOf(path: string, standard: 0 | 1): number | undefined {
  if (path === "-") return standard;
  const standardName = /^\/dev\/std(in|out|err)$/.exec(path)?.[1];
  if (standardName !== undefined) return ["in", "out", "err"].indexOf(standardName);
  const number = /^\/(?:dev|proc\/self)\/fd\/(\d+)$/.exec(path)?.[1];
  return number === undefined ? undefined : Number(number);
}

/**
 * Returns the status of a descriptor, as `bigint`, because Node.js 20 no longer resolves symbolic links of modules after
 * `fstatSync` returned the other form for a pipe.
 */
export function statusOf(descriptor: number): BigIntStats {
  return fstatSync(descriptor, { bigint: true });
}

/**
 * Returns a stream for a pipe, a socket or a terminal, and `undefined` for other files. While a stream waits, it blocks no
 * thread, so the process can end.
 */
export function readStreamOf(descriptor: number): Socket | undefined {
  if (isatty(descriptor)) return new ReadStream(descriptor);
  return isPipe(descriptor) ? new Socket({ fd: descriptor, readable: true, writable: false }) : undefined;
}

/** Like {@link readStreamOf}, but for writing. */
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
