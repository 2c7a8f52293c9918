import type { Duplex } from "node:stream";
import type { PoolClient } from "pg";
import { UnsupportedClient } from "./unsupported-client.js";

/** What is used of pg's connection beyond its published interface. */
export interface WireConnection {
  readonly stream: Duplex;
  /** Text of each named statement that the server has confirmed; pg keeps it by `name` and `text` of what it runs. */
  readonly parsedStatements: Readonly<Record<string, string | undefined>>;
}

/** A pooled client, with the process number that its server gave when it connected. */
export type WireClient = PoolClient & { readonly processID?: number | null };

/**
 * pg-native's client has no socket of Node's, and throws at a submittable that is not its own.
 *
 * @throws {UnsupportedClient}
 */
export function checkWireClient({ connection }: WireClient): void {
  const { stream, parsedStatements } = (connection ?? {}) as Partial<WireConnection>;
  if (stream === undefined || parsedStatements === undefined) throw new UnsupportedClient();
}
