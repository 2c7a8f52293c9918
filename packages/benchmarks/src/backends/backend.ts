import type { Store } from "@manykv/core";
import type { DynamodbPlace } from "../contenders/dynamodb/place.js";
import type { Link } from "../distance/link.js";
import type { Contender } from "../measure/contender.js";
import type { Course } from "../measure/race.js";

export const BACKENDS = ["memory", "redis", "redis-cluster", "postgres", "dynamodb"] as const;

export type BackendName = (typeof BACKENDS)[number];

/**
 * What is compared: whole batches; one key through core and past it; over a link with delay, a batch and as many single
 * calls; one call of very many keys and calls of a usual size.
 */
export const TRACKS = ["batch", "core", "distance", "volume"] as const;

export type Track = (typeof TRACKS)[number];

/** Who is timed side by side. */
export interface Field extends AsyncDisposable {
  readonly contenders: readonly Contender[];
  /** The link that they all use, where there is one. */
  readonly link?: Link;
}

/** A backend's server with everyone who can be timed on it. */
export interface Arena extends AsyncDisposable {
  /** What serves, for people. */
  readonly server: string;
  readonly course: Course;
  batch(): Promise<Field>;
  core?(): Promise<Field>;
  /** @param delay Milliseconds that a round trip takes longer. */
  distance?(delay: number): Promise<Field>;
  /** What a process of its own needs to open a store there, with nothing in it yet. */
  volume(): Promise<StorePlace>;
}

/** The address of a store. It goes from process to process, so it holds no objects but plain ones. */
export interface StorePlace {
  readonly backend: BackendName;
  readonly url: string;
  readonly table?: string;
  /** Who one is there, on DynamoDB. */
  readonly login?: DynamodbPlace;
}

export interface Backend {
  readonly name: BackendName;
  /** The most keys of a batch that is timed here, so that a run ends; the library itself has no such limit. */
  readonly mostKeys: number;
  /** The most keys of the one call on the track `volume`, for the same reason. */
  readonly mostVolumeKeys: number;
  open(): Promise<Arena>;
  openStore(place: StorePlace, timeout: number): Store;
}
