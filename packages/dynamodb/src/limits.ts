import { type DriverLimits, portableLimits } from "@manykv/core";

/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html */
const largestRead = 100;
/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html */
const largestWrite = 25;
/** Both pages: 16 MB for the whole of a request or an answer. A read that would give more leaves keys unprocessed. */
const largestBytes = 16_000_000;
/** Below what DynamoDB takes, since large requests are no faster, and all that are in flight are in memory twice. */
const comfortableBytes = 4_000_000;

/**
 * An item ends at 400 KB with its names, a partition key at 2,048 bytes, by
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html. A value of 400,000 bytes under
 * the longest key in the bucket with the longest name makes an item of 401,091 of the 409,600 bytes.
 */
export const dynamodbLimits: DriverLimits = Object.freeze({
  ...portableLimits,
  get: Object.freeze({ maxKeys: largestRead, maxBytes: largestBytes }),
  set: Object.freeze({ maxKeys: largestWrite, maxBytes: comfortableBytes }),
  delete: Object.freeze({ maxKeys: largestWrite, maxBytes: largestBytes }),
  concurrency: 16,
});
