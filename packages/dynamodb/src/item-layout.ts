/**
 * How an item looks: the partition key `k`, a string of bucket, colon and key, and the binary value `v`.
 *
 * The names are short since they count against the size and the cost of an item. The key is a string and not binary
 * because DynamoDB keeps every well-formed string as it is, U+0000 included and without normalising it, while
 * consoles, exports and IAM conditions (`dynamodb:LeadingKeys`) can read it. A bucket's name has no colon, so the
 * first one ends it, and the empty key is no empty partition key.
 */
export const keyAttribute = "k";
export const valueAttribute = "v";

/** What every partition key of a bucket starts with, and no other bucket's does. */
export function bucketPrefix(bucket: string): string {
  return `${bucket}:`;
}

/** The partition keys of a request's keys, by their index. */
export function partitionKeys(bucket: string, keys: readonly string[]): string[] {
  const prefix = bucketPrefix(bucket);
  return keys.map((key) => prefix + key);
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
