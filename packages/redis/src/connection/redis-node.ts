import type { DriverRequest } from "@manykv/core";
import type { Connection } from "./connection.js";

/** A way to one Redis server, over one connection at a time. */
export interface RedisNode {
  /** The connection that commands can be sent over right now. */
  readonly current: Connection | undefined;
  /**
   * Waits for a connection, opens one where there is none.
   *
   * @throws {FaultError} why there is none; nothing was sent
   */
  connection(request: DriverRequest): Promise<Connection>;
  /** Gives up a connection to a server that is no master any more: the same address may lead to another one now. */
  retire(connection: Connection): void;
  /** Whether nothing waits for it: for a connection, for an answer, for a lost request to be settled. */
  readonly idle: boolean;
  close(): void;
}
