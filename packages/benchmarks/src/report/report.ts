import type { BackendName, Track } from "../backends/backend.js";
import type { RaceResult } from "../measure/race.js";
import type { Machine } from "./machine.js";

/** A race and where it was run. */
export interface Race extends RaceResult {
  readonly backend: BackendName;
  readonly track: Track;
}

/** Everything that one run measured, as it is written to JSON. */
export interface Report {
  readonly command: string;
  readonly machine: Machine;
  readonly servers: { readonly [backend in BackendName]?: string };
  readonly races: readonly Race[];
}
