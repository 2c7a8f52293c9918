import type { Contender } from "../measure/contender.js";
import type { Course } from "../measure/race.js";

export const BACKENDS = ["memory", "redis", "redis-cluster", "postgres", "dynamodb"] as const;

export type BackendName = (typeof BACKENDS)[number];

/** What is compared: whole batches, one key through core and past it, or a batch and single calls over a slow link. */
export const TRACKS = ["batch", "core", "distance"] as const;

export type Track = (typeof TRACKS)[number];

/** A backend's server with everyone who can be timed on it. */
export interface Arena extends AsyncDisposable {
  /** What serves, for people. */
  readonly server: string;
  readonly course: Course;
  /** The contenders of each track that this backend has. Whoever asks for them closes them. */
  readonly tracks: { readonly [track in Track]?: () => Promise<readonly Contender[]> };
}

export interface Backend {
  readonly name: BackendName;
  /** The most keys of a batch that is timed here, so that a run ends; the library itself has no such limit. */
  readonly mostKeys: number;
  open(): Promise<Arena>;
}
