import { malformedAnswer } from "./error-table.js";

/**
 * An item has two attributes: the string `k` (the partition key: bucket, colon, key) and the binary `v` (the value).
 *
 * Names are short because they count towards an item's size and cost. The key is a string, not binary, so that
 * consoles, exports and IAM conditions (`dynamodb:LeadingKeys`) can read it. DynamoDB stores every well-formed string
 * unchanged, including U+0000, without normalization. A bucket name contains no colon, so the first colon ends it.
 */
export const keyAttribute = "k";
export const valueAttribute = "v";

/** Returns the prefix of all partition keys of a bucket. No partition key of another bucket has this prefix. */
export function bucketPrefix(bucket: string): string {
  return `${bucket}:`;
}

/** Returns the JSON of a key, such as `{"k":{"S":"users:alice"}}`. */
export function keyJson(partitionKey: string): string {
  return `{"${keyAttribute}":{"S":${JSON.stringify(partitionKey)}}}`;
}

/** Returns the JSON of an item, such as `{"k":{"S":"users:alice"},"v":{"B":"AQI="}}`. */
export function itemJson(partitionKey: string, value: Uint8Array): string {
  const base64 = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64");
  return `{"${keyAttribute}":{"S":${JSON.stringify(partitionKey)}},"${valueAttribute}":{"B":"${base64}"}}`;
}

/** Decodes a value into a new `ArrayBuffer`. Throws a `FaultError` (`MalformedAnswer`) if the text is not base64. */
export function decodeValue(base64: string): Uint8Array<ArrayBuffer> {
  const buffer = Buffer.allocUnsafeSlow(Buffer.byteLength(base64, "base64"));
  if (buffer.write(base64, "base64") !== buffer.length) throw malformedAnswer();
  return new Uint8Array(buffer.buffer);
}
