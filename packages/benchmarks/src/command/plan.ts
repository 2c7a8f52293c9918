import { BACKENDS, type BackendName, type Track } from "../backends/backend.js";
import type { Effort } from "../measure/interleave.js";
import type { Hits, Shape } from "../measure/lot.js";

/** What a run does. */
export interface Plan {
  readonly backends: readonly BackendName[];
  readonly tracks: readonly Track[];
  readonly shapes: readonly Shape[];
  readonly effort: Effort;
}

/** A batch of more bytes is left out: every contender holds it several times over. */
const mostBytes = 128 * 2 ** 20;

export function shapesOf(keys: readonly number[], bytes: readonly number[], hits: readonly Hits[]): Shape[] {
  return keys
    .flatMap((count) =>
      bytes.flatMap((size) => hits.map((found) => ({ keys: count, bytes: size, hits: found }))),
    )
    .filter((shape) => shape.keys * shape.bytes <= mostBytes);
}

export const everyBackend: readonly BackendName[] = BACKENDS;
