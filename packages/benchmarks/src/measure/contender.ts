import type { Lot } from "./lot.js";

export type Operation = "set" | "get" | "delete";

export const OPERATIONS: readonly Operation[] = ["set", "get", "delete"];

/**
 * What a contender stands for: the library itself, its engine's client as people use it, another library, or the least
 * that the engine and the socket allow.
 */
export type Kind = "manykv" | "client" | "peer" | "floor";

/** Someone who can set, get and delete a batch. */
export interface Contender {
  readonly name: string;
  readonly kind: Kind;
  /** Makes ready what need not be timed. Contenders share no key in the engine. */
  prepare(lot: Lot): Trial | Promise<Trial>;
  /**
   * Called behind what is done between two rounds, and not timed. Cleaning up makes Postgres throw away the plans of
   * prepared statements, which on a server in use happens once a minute and not at every call.
   */
  settle?(): Promise<void>;
  close(): Promise<void>;
}

/** The operations of a contender on one lot; what it cannot do is absent. */
export interface Trial {
  readonly set?: () => Promise<unknown>;
  readonly get?: () => Promise<Found>;
  readonly delete?: () => Promise<unknown>;
  /** How to check what `set` and `delete` did, where `get` cannot. Default: `get`. */
  readonly readBack?: () => Promise<Found>;
  /** Operations that give their own time in milliseconds, such as what the server says it took. */
  readonly clock?: { readonly [operation in Operation]?: () => Promise<number> };
}

/** The values that were found, in the order asked for. Called to check them, never while time is taken. */
export type Found = () => readonly (Uint8Array | undefined)[];
