import { execFileSync } from "node:child_process";
import { constants, openSync, writeSync } from "node:fs";

/** Creates a FIFO that no process has opened, and returns its path. */
export function createFifo(path: string): string {
  execFileSync("mkfifo", [path]);
  return path;
}

/** Creates a full FIFO that no process reads, and returns a descriptor for writing to it. */
export function openFullFifo(path: string): number {
  const both = openSync(createFifo(path), constants.O_RDWR | constants.O_NONBLOCK); // Stays open, so that the FIFO has a reader.
  fill(both);
  return openSync(path, "w");
}

function fill(descriptor: number): void {
  try {
    for (;;) writeSync(descriptor, Buffer.alloc(4096));
  } catch {} // The FIFO is full.
}
