import type { Address } from "../redis-url.js";

export type { Address };

/** Where a node says that a slot is. */
export interface Redirection {
  readonly slot: number;
  readonly address: Address;
  /** The slot is moving there. The node serves it only to commands that follow `ASKING`. */
  readonly asking: boolean;
}

/** A node's address as a key for maps. */
export function keyOfAddress({ host, port }: Address): string {
  return `${host}:${port}`;
}

/**
 * Reads `HOST:PORT`. An IPv6 host has no brackets here. A node that does not know its own address leaves the host empty.
 *
 * @param answering - the node that sent it
 */
export function parseNodeAddress(text: string, answering: Address): Address | undefined {
  const [, host = "", port] = /^(.*):(\d{1,5})$/.exec(text) ?? [];
  if (port === undefined || host === "?") return undefined;
  return { host: host || answering.host, port: Number(port) };
}

/**
 * Reads `MOVED 3999 127.0.0.1:6381` or `ASK 3999 127.0.0.1:6381`. Without a host, the answering node's host is meant.
 * https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#redirection-and-resharding
 */
export function parseRedirection(error: Error, answering: Address): Redirection | undefined {
  const [, kind, slot, text = ""] = /^(MOVED|ASK) (\d{1,5}) (\S+)$/.exec(error.message) ?? [];
  const address = parseNodeAddress(text, answering);
  if (kind === undefined || address === undefined) return undefined;
  return { slot: Number(slot), address, asking: kind === "ASK" };
}
