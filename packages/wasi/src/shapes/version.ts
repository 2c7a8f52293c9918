import type { Bytes } from "../stores/calls.js";

/**
 * Returns the version of a value. Stores of manykv compare values and keep no versions. A hash makes equal values equal
 * versions, so a version cannot detect that a value changed and changed back.
 */
export async function versionOf(value: Bytes): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", value);
  return Buffer.from(hash).toString("base64url");
}
