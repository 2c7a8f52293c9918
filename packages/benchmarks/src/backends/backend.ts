import type { Store } from "@manykv/core";
import { randomName } from "@manykv/test-services";
import type { DynamodbLogin } from "../contenders/dynamodb.js";
import type { Link } from "../distance/link.js";
import type { ContenderSet } from "../measure/contender.js";

export const BACKENDS = ["memory", "redis", "redis-cluster", "postgres", "dynamodb"] as const;

export type BackendName = (typeof BACKENDS)[number];

export interface Backend {
  readonly name: BackendName;
  /** The name of the backend in tables. */
  readonly title: string;
  /**
   * Number of keys that the calls of one sample should use in total, so that the sample is not too short to measure. A
   * sample has 1 to 20 calls.
   */
  readonly keysPerSample: number;
  /** Maximum number of keys in one call of `bench volume`. Limits the duration of a run. */
  readonly mostVolumeKeys: number;
  start(): Promise<RunningBackend>;
  openStore(address: StoreAddress, timeout: number): Store;
}

/** `clients`: manykv and the engine's clients (for memory, a `Map`). `all`: also other libraries and floors. */
export type Scope = "clients" | "all";

/** A backend whose server is running, and the contenders that can be compared on it. */
export interface RunningBackend extends AsyncDisposable {
  /** Human-readable description of the server and its address. */
  readonly server: string;
  /** Address of the server, to which a link can connect. Absent if the backend has no server or several servers. */
  readonly address?: { readonly host: string; readonly port: number };
  /**
   * Opens the contenders.
   *
   * @param keys - number of keys in a batch; for one key, contenders use the calls for a single key
   */
  contenders(scope: Scope, keys: number): Promise<ContenderSet>;
  /** Number of keys that every contender stores before it is measured. Default: 0. */
  readonly background?: number;
  /** Removes what deleted keys leave behind in the server, such as dead rows. */
  cleanUp?(): Promise<void>;
  /** Opens contenders over a link, which delays each round trip: some make batch calls, others one call per key. */
  contendersOver?(link: Link): Promise<ContenderSet>;
  /** Returns the address of a store that another process will open. On Postgres and DynamoDB, the table is new. */
  storeAddress(): StoreAddress;
}

/** Address of a store. It is sent between processes, so it contains only plain data. */
export interface StoreAddress {
  readonly backend: BackendName;
  readonly url: string;
  readonly table?: string;
  readonly login?: DynamodbLogin;
}

/** Tables of one run. Disposing of this object drops the tables, because other programs may use the server too. */
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

/** Returns the URL with the host and port of a link. */
export function through(url: string, { host, port }: Link): string {
  const result = new URL(url);
  result.hostname = host;
  result.port = `${port}`;
  return result.href;
}
