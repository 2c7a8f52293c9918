import type { BackendName, Track } from "../backends/backend.js";
import type { RoundTrips } from "../distance/round-trips.js";
import type { RaceResult } from "../measure/race.js";
import type { Spread } from "../measure/statistics.js";
import type { VolumeResult } from "../volume/volume.js";
import type { Machine } from "./machine.js";

/** A race and where it was run. */
export interface Race extends RaceResult {
  readonly backend: BackendName;
  readonly track: Track;
  /** Of reading one batch, where there was a link to count them. */
  readonly roundTrips?: readonly RoundTrips[];
}

/** Very many keys, in one call and in calls of a usual size. */
export interface Volume {
  readonly backend: BackendName;
  readonly keys: number;
  readonly bytes: number;
  readonly whole: readonly VolumeResult[];
  readonly calls: number;
  readonly parts: readonly VolumeResult[];
}

/** A round trip of one byte on this machine, and over a link that was asked to delay it, in milliseconds. */
export interface DelayReport {
  readonly asked: number;
  readonly direct: Spread;
  readonly linked: Spread;
}

/** Everything that one run measured, as it is written to JSON. */
export interface Report {
  readonly command: string;
  readonly machine: Machine;
  readonly servers: { readonly [backend in BackendName]?: string };
  readonly delay?: DelayReport;
  readonly races: readonly Race[];
  readonly volumes: readonly Volume[];
}
