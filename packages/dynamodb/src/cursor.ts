import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";
import { DriverError } from "./driver-error.js";

/**
 * A cursor is the partition key at which a Scan page ended. That may be a key of another bucket, which the holder of
 * a cursor has no business to see; so it is sealed, for its table and bucket, and opens for these alone. The seal's
 * key comes from the table's name, so that a cursor holds in every process that serves the table; it keeps the key out
 * of sight of whoever does not know that name, and is no protection from who does.
 */
const algorithm = "aes-256-gcm";
const nonceLength = 12;
const tagLength = 16;

export function sealCursor(table: string, bucket: string, partitionKey: string): string {
  const nonce = randomBytes(nonceLength);
  const cipher = createCipheriv(algorithm, sealKey(table), nonce).setAAD(Buffer.from(bucket));
  const sealed = [nonce, cipher.update(partitionKey, "utf8"), cipher.final(), cipher.getAuthTag()];
  return Buffer.concat(sealed).toString("base64url");
}

/** @throws {DriverError} `ForeignCursor` for anything but what {@link sealCursor} gave for that table and bucket. */
export function openCursor(table: string, bucket: string, cursor: string): string {
  const sealed = Buffer.from(cursor, "base64url");
  const end = sealed.length - tagLength;
  if (end <= nonceLength || sealed.toString("base64url") !== cursor) throw new DriverError("ForeignCursor");
  try {
    const decipher = createDecipheriv(algorithm, sealKey(table), sealed.subarray(0, nonceLength))
      .setAAD(Buffer.from(bucket))
      .setAuthTag(sealed.subarray(end));
    return decipher.update(sealed.subarray(nonceLength, end), undefined, "utf8") + decipher.final("utf8");
  } catch {
    throw new DriverError("ForeignCursor");
  }
}

function sealKey(table: string): Buffer {
  return createHash("sha256").update(`manykv cursor ${table}`).digest();
}
