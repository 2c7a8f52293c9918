import type { DriverLimits } from "@manykv/core/driver";

const mebibyte = 1_048_576;

/**
 * Longest key, in bytes of UTF-8. With the longest bucket name it takes 1,089 bytes of an index entry, which may have
 * 2,704: https://www.postgresql.org/docs/current/btree.html
 */
export const maxKeyBytes = 1_024;

const keysOnly = Object.freeze({ maxKeys: 5_000, maxBytes: 4 * mebibyte });

/** Postgres itself accepts values and messages of up to 1 GB. */
export const limits: DriverLimits = Object.freeze({
  maxValueBytes: 64 * mebibyte,
  get: keysOnly,
  set: Object.freeze({ maxKeys: 5_000, maxBytes: 4 * mebibyte }),
  delete: keysOnly,
  concurrency: 4,
});
