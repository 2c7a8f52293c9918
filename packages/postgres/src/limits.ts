import type { DriverLimits } from "@manykv/core";

const mebibyte = 1_048_576;

const keysOnly = Object.freeze({ maxKeys: 5_000, maxBytes: 4 * mebibyte });

/**
 * A key with the longest bucket's name takes 1,089 bytes of an index entry, of which the server takes 2,704:
 * https://www.postgresql.org/docs/current/btree.html#BTREE-IMPLEMENTATION. It takes values of 1 GB, and messages of
 * that size too.
 */
export const limits: DriverLimits = Object.freeze({
  maxKeyBytes: 1024,
  maxValueBytes: 64 * mebibyte,
  get: keysOnly,
  set: Object.freeze({ maxKeys: 5_000, maxBytes: 4 * mebibyte }),
  delete: keysOnly,
  concurrency: 4,
});
