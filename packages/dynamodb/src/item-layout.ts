import { malformedAnswer } from "./error-table.js";

/**
 * An item has the partition key `k`, a string of bucket, colon and key, and the binary value `v`.
 *
 * Names are short because they count towards an item's size and cost. The key is a string, not binary: DynamoDB keeps
 * every well-formed string as it is, including U+0000 and without normalization, while consoles, exports and IAM
 * conditions (`dynamodb:LeadingKeys`) can read it. Bucket names contain no colon, so the first colon ends the name.
 */
export const keyAttribute = "k";
export const valueAttribute = "v";

/** Returns what all partition keys of this bucket start with, and no others. */
export function bucketPrefix(bucket: string): string {
  return `${bucket}:`;
}

/** `{"k":{"S":"users:alice"}}` */
export function keyJson(partitionKey: string): string {
  return `{"${keyAttribute}":{"S":${JSON.stringify(partitionKey)}}}`;
}

/** `{"k":{"S":"users:alice"},"v":{"B":"AQI="}}` */
export function itemJson(partitionKey: string, value: Uint8Array): string {
  const base64 = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64");
  return `{"${keyAttribute}":{"S":${JSON.stringify(partitionKey)}},"${valueAttribute}":{"B":"${base64}"}}`;
}

/** Decodes into the value's own memory, without a copy. Throws `MalformedAnswer` if the text is not base64. */
export function decodeValue(base64: string): Uint8Array<ArrayBuffer> {
  const buffer = Buffer.allocUnsafeSlow(Buffer.byteLength(base64, "base64"));
  if (buffer.write(base64, "base64") !== buffer.length) throw malformedAnswer();
  return new Uint8Array(buffer.buffer);
}
