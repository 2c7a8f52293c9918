import type { DriverLimits } from "@manykv/core/driver";

/**
 * An item has at most 400 KB including attribute names. A value of 400,000 bytes with the longest key in the bucket with
 * the longest name makes an item of 401,091 of the 409,600 bytes. Requests and answers have at most 16 MB. Sets have less
 * because larger ones are no faster, and each request in flight is in memory twice.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
 * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
 * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
 */
export const dynamodbLimits: DriverLimits = Object.freeze({
  maxValueBytes: 400_000,
  get: Object.freeze({ maxKeys: 100, maxBytes: 16_000_000 }),
  set: Object.freeze({ maxKeys: 25, maxBytes: 4_000_000 }),
  delete: Object.freeze({ maxKeys: 25, maxBytes: 16_000_000 }),
  concurrency: 16,
});
