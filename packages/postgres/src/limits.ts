import type { DriverLimits, RequestLimits } from "@manykv/core/driver";

const mebibyte = 1_048_576;

/**
 * Maximum length of a key, in bytes of UTF-8. With the longest bucket name and a colon, a key takes 1,089 bytes. An
 * index entry has at most 2,704 bytes: https://www.postgresql.org/docs/current/btree.html
 */
export const maxKeyBytes = 1_024;

/**
 * Small requests run in several server processes at once, block the event loop only briefly, and delay other calls
 * less. Requests above these limits would take almost the same time per key.
 */
const requestLimits: RequestLimits = Object.freeze({ maxKeys: 500, maxBytes: mebibyte });

/** 64 MiB per value is manykv's own limit. Postgres accepts values and messages of up to 1 GB. */
export const limits: DriverLimits = Object.freeze({
  maxValueBytes: 64 * mebibyte,
  get: requestLimits,
  set: requestLimits,
  delete: requestLimits,
  concurrency: 4,
});
