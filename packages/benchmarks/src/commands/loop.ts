import { count, spread } from "@manykv/measure";
import type { BackendName } from "../backends/backend.js";
import { backends } from "../backends/index.js";
import { OPERATIONS } from "../measure/contender.js";
import { type Row, row } from "../report.js";
import type { LoopResult, LoopTask } from "./loop-process.js";
import { runInProcess } from "./run-in-process.js";

const bytes = 100;
const timeout = 100;
/** The highest accepted times, in milliseconds. */
const bars = { block: 25, get: 5, settled: 300 };

export interface Loop {
  readonly rows: readonly Row[];
  readonly results: { readonly [backend in BackendName]?: LoopResult };
}

/**
 * Measures in a fresh process how long large calls block the event loop, how long single calls take during the large
 * calls, and how much CPU time a `setMany` call uses until it times out.
 */
export async function runLoop(
  names: readonly BackendName[],
  { keys, repetitions, timeoutKeys }: Pick<LoopTask, "keys" | "repetitions" | "timeoutKeys">,
  progress: (text: string) => void,
): Promise<Loop> {
  const rows: Row[] = [];
  const results: { [backend in BackendName]?: LoopResult } = {};
  for (const name of (["redis", "postgres"] as const).filter((each) => names.includes(each))) {
    const { title, start } = backends[name];
    await using running = await start();
    progress(`${title}: ${count(keys)} keys while single calls run, ${repetitions} times`);
    const result = await runInProcess<LoopTask, LoopResult>(new URL("./loop-process.js", import.meta.url), {
      address: running.storeAddress(),
      keys,
      bytes,
      repetitions,
      timeoutKeys,
      timeout,
    });
    results[name] = result;
    const size = `${count(keys)} x ${bytes} B`;
    for (const operation of OPERATIONS) {
      const longest = Math.max(...result.blocks[operation]);
      rows.push(
        row(
          {
            operation: `${title} ${operation}, longest event-loop block`,
            size,
            against: "CPU time of the main thread",
            unit: "ms",
            bar: bars.block,
          },
          { median: longest, low: Math.min(...result.blocks[operation]), high: longest },
        ),
        row(
          {
            operation: `${title} get during ${operation}`,
            size,
            against: "median of single calls",
            unit: "ms",
            bar: bars.get,
          },
          result.gets[operation].length > 0
            ? spread(result.gets[operation])
            : "no single call finished during the large calls",
        ),
      );
    }
    const { cpu, code } = result.settled;
    rows.push(
      row(
        {
          operation: `${title} setMany, timeout of ${timeout} ms`,
          size: `${count(timeoutKeys)} x ${bytes} B`,
          against: "CPU time until it settles",
          unit: "ms",
          bar: bars.settled,
        },
        code === "timeout"
          ? { median: cpu, low: cpu, high: cpu }
          : `the code of the call is "${code}" instead of "timeout"`,
      ),
    );
  }
  return { rows, results };
}
