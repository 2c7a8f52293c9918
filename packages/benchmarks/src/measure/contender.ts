import type { Workload } from "./workload.js";

export type Operation = "set" | "get" | "delete";

export const OPERATIONS: readonly Operation[] = ["set", "get", "delete"];

/**
 * Kind of a contender: manykv, a client of the engine, another key-value library, or a floor. A floor takes the
 * shortest time that the engine and the socket allow.
 */
export type Kind = "manykv" | "client" | "library" | "floor";

/** Something that can set, get or delete a batch: manykv, a client, a library or a floor. */
export interface Contender {
  readonly name: string;
  readonly kind: Kind;
  /**
   * Returns the calls to measure. Does the work that is not measured, such as building the arguments of a command. The
   * calls use keys that no other contender uses. For a workload of one key, they are calls for a single key, such as
   * `get` instead of `getMany`.
   */
  prepare(workload: Workload): Calls | Promise<Calls>;
  close(): Promise<void>;
}

/** A contender's operations on one workload. Operations that the contender does not support are absent. */
export interface Calls {
  readonly set?: () => Promise<unknown>;
  readonly get?: () => Promise<ReadResult>;
  readonly delete?: () => Promise<unknown>;
  /** Reads the values, to check `set` and `delete`. Default: `get`. */
  readonly readBack?: () => Promise<ReadResult>;
  /** Operations that return the time to count, in milliseconds, such as the time that the server reports. */
  readonly reportedTime?: { readonly [operation in Operation]?: () => Promise<number> };
}

/** Returns the values found, in the order of the keys. Called only for checks, never while time is measured. */
export type ReadResult = () => readonly (Uint8Array | undefined)[];

/** Contenders that are compared with each other and closed together. */
export class ContenderSet implements AsyncDisposable {
  readonly contenders: readonly Contender[];
  readonly #resources: readonly AsyncDisposable[];

  /** @param resources - what the contenders use; disposed of in this order after the contenders are closed */
  private constructor(contenders: readonly Contender[], resources: readonly AsyncDisposable[]) {
    this.contenders = contenders;
    this.#resources = resources;
  }

  /**
   * Waits until all contenders are open. If one cannot be opened, closes the others, disposes of the resources and
   * rejects.
   */
  static async open(
    opening: readonly (Contender | Promise<Contender>)[],
    resources: readonly AsyncDisposable[] = [],
  ): Promise<ContenderSet> {
    const results = await Promise.allSettled(opening);
    const contenders = results.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    const set = new ContenderSet(contenders, resources);
    const failed = results.find((each) => each.status === "rejected");
    if (failed === undefined) return set;
    await set[Symbol.asyncDispose]();
    throw failed.reason;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const contender of this.contenders) await contender.close();
    for (const resource of this.#resources) await resource[Symbol.asyncDispose]();
  }
}
