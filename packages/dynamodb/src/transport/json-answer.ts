import { DriverError } from "../driver-error.js";

/** @throws {DriverError} `MalformedAnswer` */
export function parseAnswer(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString());
  } catch {
    throw new DriverError("MalformedAnswer");
  }
}
