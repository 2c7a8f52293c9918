/** The operations that read and write items. */
export type Operation = "BatchGetItem" | "BatchWriteItem" | "Scan";

/** A way to DynamoDB. */
export interface Transport {
  /**
   * Sends one request and gives its answer as plain JSON, its checksum verified, nothing else in it looked at.
   *
   * @param body The operation's input as JSON.
   * @throws What the error table knows; at once when the signal fires.
   */
  send(operation: Operation, body: string, signal: AbortSignal): Promise<unknown>;
  /** Ends what the transport itself opened. */
  close(): void;
}
