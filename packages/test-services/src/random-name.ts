import { randomBytes } from "node:crypto";

/**
 * A name that no other test uses, so that tests share one server. Valid as a bucket, a Postgres table (lower-case
 * letters, digits and `_`, at most 63) and a DynamoDB table (3 to 255 characters).
 */
export function randomName(prefix = "manykv_test"): string {
  return `${prefix}_${randomBytes(8).toString("hex")}`;
}
