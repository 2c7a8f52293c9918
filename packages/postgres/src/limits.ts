import type { DriverLimits, RequestLimits } from "@manykv/core/driver";

const mebibyte = 1_048_576;

/**
 * Longest key, in bytes of UTF-8. With the longest bucket name it takes 1,089 bytes of an index entry, which may have
 * 2,704: https://www.postgresql.org/docs/current/btree.html
 */
export const maxKeyBytes = 1_024;

/**
 * Small requests run in several processes of the server at once, occupy the event loop only briefly, and let other calls in
 * between. From here on, larger ones save next to nothing.
 */
const requestLimits: RequestLimits = Object.freeze({ maxKeys: 500, maxBytes: mebibyte });

/** Postgres itself accepts values and messages of up to 1 GB. */
export const limits: DriverLimits = Object.freeze({
  maxValueBytes: 64 * mebibyte,
  get: requestLimits,
  set: requestLimits,
  delete: requestLimits,
  concurrency: 4,
});
