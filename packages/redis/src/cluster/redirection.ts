import { type Address, parseNodeAddress } from "./node-address.js";

/** Where a node says that a slot is. */
export interface Redirection {
  readonly slot: number;
  readonly address: Address;
  /** The slot is on its way there: only what is asked for with `ASKING` before it is served. */
  readonly asking: boolean;
}

/**
 * `MOVED 3999 127.0.0.1:6381` or `ASK 3999 127.0.0.1:6381`; without a host it is the answering node's.
 * https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#redirection-and-resharding
 */
export function parseRedirection(error: Error, answering: Address): Redirection | undefined {
  const [, kind, slot, text = ""] = /^(MOVED|ASK) (\d{1,5}) (\S+)$/.exec(error.message) ?? [];
  const address = parseNodeAddress(text, answering);
  if (kind === undefined || address === undefined) return undefined;
  return { slot: Number(slot), address, asking: kind === "ASK" };
}
