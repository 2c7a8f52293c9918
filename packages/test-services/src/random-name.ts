import { randomBytes } from "node:crypto";

/**
 * Returns a name that no other test uses, so that tests can share a server. With the default prefix, the name is valid
 * for a bucket, a Postgres table (lower-case letters, digits and `_`, at most 63 characters) and a DynamoDB table (3 to
 * 255 characters).
 */
export function randomName(prefix = "manykv_test"): string {
  return `${prefix}_${randomBytes(8).toString("hex")}`;
}
