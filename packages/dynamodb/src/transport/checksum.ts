import { crc32 } from "node:zlib";
import { DriverError } from "../driver-error.js";

/**
 * Checks an answer against the checksum that DynamoDB sends with it, since the SDK does not. An answer without one, or
 * one that was compressed on its way, passes.
 *
 * @throws {DriverError} `ChecksumMismatch`
 */
export function verifyChecksum(headers: Readonly<Record<string, unknown>>, body: Uint8Array): void {
  const expected = headers["x-amz-crc32"];
  if (expected === undefined || headers["content-encoding"] !== undefined) return;
  if (crc32(body) !== Number(expected)) throw new DriverError("ChecksumMismatch");
}
