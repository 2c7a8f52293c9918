import type { DriverLimits } from "@manykv/core/driver";

/**
 * An item has at most 400 KB (409,600 bytes), including attribute names. With the longest key, bucket name and value,
 * an item has 401,091 bytes with the default names, and at most 403,410 bytes if it expires and has the longest names and
 * sort key.
 *
 * Requests and responses have at most 16 MB. The limit for sets is lower, because larger requests are no faster, and
 * each request in flight is in memory twice.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
 * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
 * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
 */
export const dynamodbLimits: DriverLimits = Object.freeze({
  maxValueBytes: 400_000,
  get: Object.freeze({ maxKeys: 100, maxBytes: 16_000_000 }),
  set: Object.freeze({ maxKeys: 25, maxBytes: 4_000_000 }),
  // BatchWriteItem has no conditions, so each key needs its own request.
  setIfAbsent: Object.freeze({ maxKeys: 1, maxBytes: 4_000_000 }),
  delete: Object.freeze({ maxKeys: 25, maxBytes: 16_000_000 }),
  concurrency: 16,
});
