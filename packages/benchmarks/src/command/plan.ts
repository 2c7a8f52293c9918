import type { BackendName, Track } from "../backends/backend.js";
import type { Effort } from "../measure/interleave.js";
import type { Hits, Shape } from "../measure/lot.js";

/** What a run does. */
export interface Plan {
  readonly backends: readonly BackendName[];
  readonly tracks: readonly Track[];
  /** The shapes of whole batches on a backend. */
  readonly shapes: (backend: BackendName) => readonly Shape[];
  readonly effort: Effort;
  /** Milliseconds that a round trip takes longer on the track `distance`. */
  readonly delay: number;
  /** Keys of the one call on the track `volume`. */
  readonly volumeKeys: number;
}

/** Core's own cost shows in a batch of one key. */
export const coreShape: Shape = { keys: 1, bytes: 100, hits: "all" };
/** Over a slow link one size tells enough. */
export const distanceShape: Shape = { keys: 1_000, bytes: 100, hits: "all" };
export const volumeBytes = 100;
/** The usual size that calls of the track `volume` are compared with. */
export const usualKeys = 10_000;

/** A batch of more bytes is left out: every contender holds it several times over. */
const mostBytes = 128 * 2 ** 20;

export function shapesOf(keys: readonly number[], bytes: readonly number[], hits: readonly Hits[]): Shape[] {
  return keys
    .flatMap((count) =>
      bytes.flatMap((size) => hits.map((found): Shape => ({ keys: count, bytes: size, hits: found }))),
    )
    .filter((shape) => shape.keys * shape.bytes <= mostBytes);
}

/** What says something in a minute or two. */
export function briefShapes(): readonly Shape[] {
  return shapesOf([1, 100, 1_000], [100], ["all"]);
}

/** Every size, by every share of keys that are found. */
export function everyShape(mostKeys: number): readonly Shape[] {
  const keys = [1, 10, 100, 1_000, 10_000, 100_000].filter((count) => count <= mostKeys);
  return shapesOf(keys, [16, 100, 1_024, 10_240], ["all", "half", "none"]);
}

/** What the bars of the acceptance table are measured on. */
export function barShapes(backend: BackendName): readonly Shape[] {
  const usual = shapesOf([1_000], [100], ["all"]);
  if (backend !== "postgres") return usual;
  return [...usual, ...shapesOf([100], [1_024], ["all"]), ...shapesOf([10_000], [100], ["all"])];
}
