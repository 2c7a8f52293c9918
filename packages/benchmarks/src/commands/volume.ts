import { count, figure, textTable } from "@manykv/measure";
import type { BackendName } from "../backends/backend.js";
import { backends } from "../backends/index.js";
import { describeShape, markdownOf, mebibytes } from "../report.js";
import { runInProcess } from "./run-in-process.js";
import type { VolumeResult, VolumeTask } from "./volume-process.js";

const bytes = 100;
/** Number of keys in a call of usual size, with which the large call is compared. */
const usualKeys = 10_000;

/** Figures for a large number of keys, in one call and in calls of usual size. */
export interface Volume {
  readonly backend: BackendName;
  readonly keys: number;
  readonly bytes: number;
  readonly calls: number;
  readonly oneCall: readonly VolumeResult[];
  readonly usualCalls: readonly VolumeResult[];
}

export async function runVolume(
  names: readonly BackendName[],
  mostKeys: number,
  progress: (text: string) => void,
): Promise<readonly Volume[]> {
  const volumes: Volume[] = [];
  for (const name of names) {
    const { start, mostVolumeKeys } = backends[name];
    await using running = await start();
    const keys = Math.min(mostKeys, mostVolumeKeys);
    const calls = Math.ceil(keys / usualKeys);
    const measure = (inCalls: number): Promise<readonly VolumeResult[]> =>
      runInProcess<VolumeTask, readonly VolumeResult[]>(
        new URL("./volume-process.js", import.meta.url),
        { address: running.storeAddress(), keys, bytes, calls: inCalls },
        ["--expose-gc"],
      );
    const volume = {
      backend: name,
      keys,
      bytes,
      calls,
      oneCall: await measure(1),
      usualCalls: await measure(calls),
    };
    volumes.push(volume);
    progress(`${volumeTable(volume)}\n`);
  }
  return volumes;
}

function volumeTable({ backend, keys, bytes, calls, oneCall, usualCalls }: Volume): string {
  const inCalls = `in ${count(calls)} calls`;
  const table = textTable(
    ["", "memory grows by MiB", "result MiB", inCalls, "us per key", inCalls, "one call takes"],
    oneCall.map(({ operation, growth, result, millisecondsPerKey }, index) => {
      const usual = usualCalls[index];
      return [
        operation,
        mebibytes(growth),
        result === 0 ? "-" : mebibytes(result),
        usual === undefined ? "-" : mebibytes(usual.growth),
        figure(millisecondsPerKey * 1_000),
        usual === undefined ? "-" : figure(usual.millisecondsPerKey * 1_000),
        usual === undefined ? "-" : `${figure(millisecondsPerKey / usual.millisecondsPerKey)} x`,
      ];
    }),
  );
  return `${backends[backend].title}: ${describeShape({ keys, bytes, hits: "all" })} in one call\n${table}`;
}

/** Returns the table for docs/performance.md. */
export function volumeMarkdown(volumes: readonly Volume[]): string {
  return markdownOf(
    ["one call of", "", "memory grows by", "us per key", "us per key in calls of 10,000"],
    volumes.flatMap(({ backend, keys, oneCall, usualCalls }) =>
      oneCall.map(({ operation, growth, result, millisecondsPerKey }, index) => [
        `${backends[backend].title}, ${count(keys)} keys`,
        operation,
        `${mebibytes(Math.max(0, growth - result))} MiB`,
        figure(millisecondsPerKey * 1_000),
        figure((usualCalls[index]?.millisecondsPerKey ?? Number.NaN) * 1_000),
      ]),
    ),
  );
}
