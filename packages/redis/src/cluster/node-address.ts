import type { Address } from "../redis-url.js";

export type { Address };

/** A node's address as a key of a map. */
export function keyOfAddress({ host, port }: Address): string {
  return `${host}:${port}`;
}

/**
 * Reads `HOST:PORT`, where an IPv6 host stands without brackets. A node that does not know its own address leaves the
 * host empty.
 */
export function parseNodeAddress(text: string, answering: Address): Address | undefined {
  const [, host = "", port] = /^(.*):(\d{1,5})$/.exec(text) ?? [];
  if (port === undefined || host === "?") return undefined;
  return { host: host || answering.host, port: Number(port) };
}
