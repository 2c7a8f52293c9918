import { clearScreenDown, cursorTo, moveCursor } from "node:readline";
import { count } from "@manykv/measure";
import type { BenchDisplay } from "./measure.js";
import type { SizePlan } from "./plan.js";
import type { BenchOptions, DeploymentResult } from "./result.js";
import { figuresTable } from "./text-report.js";

/** Shows the table of figures on a terminal while it fills. Prints nothing if standard error is not a terminal. */
export class LiveTable implements BenchDisplay {
  readonly #options: BenchOptions;
  readonly #isShown: boolean;
  #table = "";
  #drawnLines = 0;
  #drawnAt = 0;

  constructor(options: BenchOptions, isQuiet: boolean) {
    this.#options = options;
    this.#isShown = process.stderr.isTTY && !isQuiet;
  }

  onRound({ size, warmUpRounds, rounds }: SizePlan, round: number): void {
    // More often than the eye can follow would only disturb the measurement.
    if (!this.#isShown || performance.now() - this.#drawnAt < drawEvery) return;
    this.#drawnAt = performance.now();
    const state = `round ${round} of at most ${warmUpRounds + rounds}`;
    this.#draw(`${this.#table}measuring ${count(size)} ${size === 1 ? "key" : "keys"}: ${state}`);
  }

  onSize(deployments: readonly DeploymentResult[]): void {
    this.#table = `${figuresTable(deployments, this.#options)}\n`;
  }

  /** Removes the table from the terminal. */
  stop(): void {
    if (this.#isShown) this.#erase();
  }

  /** Draws the last lines that fit. A line that wraps would take several lines of the terminal. */
  #draw(text: string): void {
    // Some terminals report no size.
    const columns = process.stderr.columns || 80;
    const rows = process.stderr.rows || 24;
    const lines = text
      .split("\n")
      .map((line) => line.slice(0, columns - 1))
      .slice(-(rows - 1));
    this.#erase();
    process.stderr.write(`${lines.join("\n")}\n`);
    this.#drawnLines = lines.length;
  }

  #erase(): void {
    if (this.#drawnLines === 0) return;
    moveCursor(process.stderr, 0, -this.#drawnLines);
    cursorTo(process.stderr, 0);
    clearScreenDown(process.stderr);
    this.#drawnLines = 0;
  }
}

/** Milliseconds between two drawings. */
const drawEvery = 200;
