import { execFileSync } from "node:child_process";
import { closeSync, constants, openSync, writeSync } from "node:fs";

/** Creates a FIFO that nobody reads or writes. */
export function createFifo(path: string): string {
  execFileSync("mkfifo", [path]);
  return path;
}

/** Returns a descriptor for writing to a new FIFO that is full and whose reader stands still. */
export function openFullFifo(path: string): number {
  const both = openSync(createFifo(path), constants.O_RDWR | constants.O_NONBLOCK); // Stays open as the reader.
  fill(both);
  return openSync(path, "w");
}

function fill(descriptor: number): void {
  try {
    for (;;) writeSync(descriptor, Buffer.alloc(4096));
  } catch {} // The FIFO is full.
}

/** Returns whether a process has opened the FIFO for reading. */
export function hasReader(path: string): boolean {
  try {
    closeSync(openSync(path, constants.O_WRONLY | constants.O_NONBLOCK));
    return true;
  } catch {
    return false;
  }
}
