import type { DriverLimits, RequestLimits } from "@manykv/core";

const mebibyte = 1_048_576;

/**
 * Redis itself takes keys and values of 512 MB:
 * https://redis.io/docs/latest/develop/data-types/strings/#limits
 */
const largest = Object.freeze({ maxKeyBytes: 1024, maxValueBytes: 64 * mebibyte });

/**
 * A server does nothing else while it runs a command, so commands stay small: 250 keys are a tenth of a millisecond of
 * its time. The commands of a batch are written before the first reply is read, so that many are no more round trips
 * than one, and the client works on one while the server works on another. Large values leave a mebibyte at a time: in
 * pieces of a quarter of it the server took a fifth longer.
 * https://redis.io/docs/latest/operate/oss_and_stack/management/optimization/latency/#single-threaded-nature-of-redis
 */
export const limits: DriverLimits = limitsOf({ maxKeys: 250, maxBytes: mebibyte }, 32);

/** In a cluster a request is divided among the masters, and each key is a command of its own. */
export const clusterLimits: DriverLimits = limitsOf({ maxKeys: 2_000, maxBytes: 2 * mebibyte }, 8);

function limitsOf(request: RequestLimits, concurrency: number): DriverLimits {
  const each = Object.freeze(request);
  return Object.freeze({ ...largest, get: each, set: each, delete: each, concurrency });
}
