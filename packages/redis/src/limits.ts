import type { DriverLimits } from "@manykv/core";

const mebibyte = 1_048_576;

/**
 * A server does nothing else while it runs a command, so commands stay small: 5,000 keys are 2 to 4 ms of its time.
 * https://redis.io/docs/latest/operate/oss_and_stack/management/optimization/latency/#single-threaded-nature-of-redis
 */
const request = Object.freeze({ maxKeys: 5_000, maxBytes: 4 * mebibyte });

/**
 * Redis itself takes keys and values of 512 MB:
 * https://redis.io/docs/latest/develop/data-types/strings/#limits
 */
export const limits: DriverLimits = Object.freeze({
  maxKeyBytes: 1024,
  maxValueBytes: 64 * mebibyte,
  get: request,
  set: request,
  delete: request,
  concurrency: 4,
});
