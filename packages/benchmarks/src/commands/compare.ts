import type { BackendName } from "../backends/backend.js";
import { backends } from "../backends/index.js";
import { type Comparison, compare } from "../measure/compare.js";
import type { Hits, Shape } from "../measure/workload.js";
import { comparisonTable } from "../report.js";
import { type Limits, samplingOf } from "./acceptance.js";

/** Maximum size of a batch's values, in bytes. Larger batches are skipped: each contender keeps several copies. */
const mostBytes = 128 * 2 ** 20;

export function shapesOf(keys: readonly number[], bytes: readonly number[], hits: readonly Hits[]): Shape[] {
  return keys
    .flatMap((count) =>
      bytes.flatMap((size) => hits.map((found): Shape => ({ keys: count, bytes: size, hits: found }))),
    )
    .filter((shape) => shape.keys * shape.bytes <= mostBytes);
}

/** Compares manykv with all contenders, including other libraries and floors. */
export async function runComparisons(
  names: readonly BackendName[],
  shapes: readonly Shape[],
  options: Limits & { readonly cpu?: true },
  progress: (text: string) => void,
): Promise<readonly (Comparison & { readonly backend: BackendName; readonly server: string })[]> {
  const comparisons: (Comparison & { backend: BackendName; server: string })[] = [];
  for (const name of names) {
    const backend = backends[name];
    await using running = await backend.start();
    for (const shape of shapes) {
      await using set = await running.contenders("all", shape.keys);
      const comparison = await compare(set.contenders, shape, {
        ...samplingOf(shape, backend.keysPerSample, options),
        ...(options.cpu && { clock: "cpu" }),
        ...(running.background && { background: running.background }),
        ...(running.cleanUp && { cleanUp: running.cleanUp }),
      });
      progress(`${comparisonTable(backend.title, comparison)}\n`);
      comparisons.push({ backend: name, server: running.server, ...comparison });
    }
  }
  return comparisons;
}
