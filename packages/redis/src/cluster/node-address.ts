import type { Address } from "../redis-url.js";

export type { Address };

/** The content of a `MOVED` or `ASK` error: another node to use for a slot. */
export interface Redirection {
  readonly slot: number;
  readonly address: Address;
  /** `true` for `ASK`: the slot is moving to that node. Until the move ends, send `ASKING` before each command. */
  readonly asking: boolean;
}

/** Returns a node's address as a key for maps. */
export function keyOfAddress({ host, port }: Address): string {
  return `${host}:${port}`;
}

/**
 * Parses `HOST:PORT`. An IPv6 host has no brackets. A node that does not know its own address sends an empty host, so
 * an empty host means the host of `answering`. Returns `undefined` for an unknown host, `?`, and for other text.
 *
 * @param answering - the address of the node that sent the text
 */
export function parseNodeAddress(text: string, answering: Address): Address | undefined {
  const [, host = "", port] = /^(.*):(\d{1,5})$/.exec(text) ?? [];
  if (port === undefined || host === "?") return undefined;
  return { host: host || answering.host, port: Number(port) };
}

/**
 * Parses `MOVED 3999 127.0.0.1:6381` or `ASK 3999 127.0.0.1:6381`. Returns `undefined` for any other error.
 * https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#redirection-and-resharding
 */
export function parseRedirection(error: Error, answering: Address): Redirection | undefined {
  const [, kind, slot, text = ""] = /^(MOVED|ASK) (\d{1,5}) (\S+)$/.exec(error.message) ?? [];
  const address = parseNodeAddress(text, answering);
  if (kind === undefined || address === undefined) return undefined;
  return { slot: Number(slot), address, asking: kind === "ASK" };
}
