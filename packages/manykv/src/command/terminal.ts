import { fstatSync } from "node:fs";
import type { SingleBar } from "cli-progress";
import type { OutputFlags } from "./options.js";

/** Prints a line to standard error. Standard output is for data only. */
export function printMessage(message: string): void {
  process.stderr.write(`manykv: ${message}\n`);
}

/** Prints a message that is not about a failure, unless the user wants only errors or gets the result as JSON. */
export function printNote(message: string, { json, quiet }: OutputFlags): void {
  if (!json && !quiet) printMessage(message);
}

/**
 * Makes writes to a terminal asynchronous, so that Node.js can handle signals while the terminal accepts no output, for
 * example after Ctrl-S. Calls an internal function of Node.js. Without this function, the command still works.
 */
export function neverBlock(stream: object): void {
  (stream as { _handle?: { setBlocking?(blocking: boolean): void } })._handle?.setBlocking?.(false);
}

export function formatCount(count: number, noun: string): string {
  return `${count.toLocaleString("en-US")} ${noun}${count === 1 ? "" : "s"}`;
}

/** Returns the size and the duration of a transfer since `startedAt`, such as `610.2 kB in 0.2 s`. */
export function formatTransfer(bytes: number, startedAt: number): string {
  return `${formatBytes(bytes)} in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`;
}

export function formatBytes(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let amount = bytes;
  let unit = 0;
  for (; amount >= 1000 && unit < units.length - 1; unit++) amount /= 1000;
  return `${amount.toFixed(unit === 0 ? 0 : 1)} ${units[unit]}`;
}

/** Prints the first ten messages. `finish` prints the number of further messages. */
export class LimitedMessages {
  count = 0;
  readonly #noun: string;

  constructor(noun: string) {
    this.#noun = noun;
  }

  add(message: string): void {
    if (++this.count <= maxMessages) printMessage(message);
  }

  finish(): void {
    if (this.count > maxMessages)
      printMessage(`... and ${formatCount(this.count - maxMessages, `more ${this.#noun}`)}`);
  }
}

const maxMessages = 10;

export interface ProgressOptions extends OutputFlags {
  /** Where the bar ends. */
  readonly total?: number | undefined;
  readonly position?: (() => number) | undefined;
  /** What `update` counts. Default: records. */
  readonly noun?: string;
  /** When the transfer began, on the clock of `performance.now()`. Default: now. */
  readonly startedAt?: number;
}

/**
 * Shows the progress of a transfer on a terminal. In a pipe such as `manykv export | manykv import`, the commands share the
 * terminal, so only the last one shows its progress.
 */
export class Progress {
  readonly #bar: SingleBar | undefined;
  readonly #position: (() => number) | undefined;
  /** When the transfer began, on the clock of `performance.now()`. */
  readonly startedAt: number;

  private constructor(bar: SingleBar | undefined, position: (() => number) | undefined, startedAt: number) {
    this.#bar = bar;
    this.#position = position;
    this.startedAt = startedAt;
  }

  /** Starts the display. With a `total`, shows a bar filled up to `position()`. Otherwise, only counts. */
  static async start(
    action: string,
    { quiet, total, position, noun = "records", startedAt = performance.now() }: ProgressOptions,
  ): Promise<Progress> {
    if (quiet || !process.stderr.isTTY || isPipe(1)) return new Progress(undefined, position, startedAt);
    const { SingleBar } = await import("cli-progress");
    const format = total === undefined ? "" : " {bar} {percentage}%  {eta_formatted} left ";
    const bar = new SingleBar({
      format: `${action}${format} {count} ${noun}{rate}`,
      stream: process.stderr,
      clearOnComplete: true,
      hideCursor: true,
      barCompleteChar: "█",
      barIncompleteChar: "░",
    });
    bar.start(total ?? 0, 0, { count: "0", rate: "" });
    return new Progress(bar, position, startedAt);
  }

  update(count: number): void {
    const seconds = (performance.now() - this.startedAt) / 1000;
    const rate = seconds < 1 ? "" : `, ${Math.round(count / seconds).toLocaleString("en-US")}/s`;
    this.#bar?.update(this.#position?.() ?? 0, { count: count.toLocaleString("en-US"), rate });
  }

  stop(): void {
    this.#bar?.stop();
  }
}

function isPipe(descriptor: number): boolean {
  try {
    const status = fstatSync(descriptor);
    return status.isFIFO() || status.isSocket();
  } catch {
    return false; // The shell closed it.
  }
}
