import type { Store } from "@manykv/core";
import { randomName } from "@manykv/test-services";
import type { DynamodbLogin } from "../contenders/dynamodb.js";
import type { Link } from "../distance/link.js";
import type { ContenderSet } from "../measure/contender.js";

export const BACKENDS = ["memory", "redis", "redis-cluster", "postgres", "dynamodb"] as const;

export type BackendName = (typeof BACKENDS)[number];

export interface Backend {
  readonly name: BackendName;
  /** The name in tables. */
  readonly title: string;
  /** Fewest keys of one sample, so that it lasts long enough for the clock. */
  readonly keysPerSample: number;
  /** Most keys of one call in `bench volume`, so that a run ends. */
  readonly mostVolumeKeys: number;
  start(): Promise<RunningBackend>;
  openStore(address: StoreAddress, timeout: number): Store;
}

/** `clients`: manykv and the engine's clients. `all`: other libraries and floors too. */
export type Scope = "clients" | "all";

/** A backend's server and what can be compared on it. */
export interface RunningBackend extends AsyncDisposable {
  /** What serves and where, for people. */
  readonly server: string;
  /** Where a link connects to. */
  readonly address?: { readonly host: string; readonly port: number };
  /** @param keys Keys of a batch: for one key, contenders use the calls for a single key. */
  contenders(scope: Scope, keys: number): Promise<ContenderSet>;
  /** Keys that every contender stores beforehand. */
  readonly background?: number;
  /** Undoes what deleted keys leave behind in the server. */
  cleanUp?(): Promise<void>;
  /** Batches and single calls over a link that delays a round trip. */
  contendersOver?(link: Link): Promise<ContenderSet>;
  /** Returns the address of a new, empty store for another process to open. */
  storeAddress(): StoreAddress;
}

/** Where a store is. It is sent between processes, so it holds plain data only. */
export interface StoreAddress {
  readonly backend: BackendName;
  readonly url: string;
  readonly table?: string;
  readonly login?: DynamodbLogin;
}

/** Tables made for a run and dropped after it, because the server may be used for other things too. */
export class ScratchTables implements AsyncDisposable {
  readonly names: string[] = [];
  readonly #drop: (name: string) => Promise<unknown>;

  constructor(drop: (name: string) => Promise<unknown>) {
    this.#drop = drop;
  }

  next(): string {
    const name = randomName();
    this.names.push(name);
    return name;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of this.names.splice(0)) await this.#drop(name);
  }
}

/** The same address, over a link. */
export function through(url: string, { host, port }: Link): string {
  const result = new URL(url);
  result.hostname = host;
  result.port = `${port}`;
  return result.href;
}
