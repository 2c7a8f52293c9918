import { SingleBar } from "cli-progress";

/** Shows how far a transfer is, on a terminal alone: never in a pipe or a log. */
export class Progress {
  readonly #bar: SingleBar | undefined;
  readonly #position: (() => number) | undefined;

  /** Without a `total` it counts; with one it draws a bar, from where `position` says the work is. */
  constructor(action: string, total?: number, position?: () => number) {
    this.#position = position;
    if (!process.stderr.isTTY) return;
    const bar = total === undefined ? "" : " {bar} {percentage}%  {eta_formatted} left ";
    this.#bar = new SingleBar({
      format: `${action}${bar} {count} records`,
      stream: process.stderr,
      clearOnComplete: true,
      hideCursor: true,
      barCompleteChar: "█",
      barIncompleteChar: "░",
    });
    this.#bar.start(total ?? 0, 0, { count: "0" });
  }

  update(records: number): void {
    this.#bar?.update(this.#position?.() ?? 0, { count: records.toLocaleString("en-US") });
  }

  stop(): void {
    this.#bar?.stop();
  }
}
