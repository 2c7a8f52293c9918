import type { DriverLimits, RequestLimits } from "@manykv/core/driver";

const mebibyte = 1_048_576;

/** Redis itself accepts 512 MB: https://redis.io/docs/latest/develop/data-types/strings/#limits */
const maxValueBytes: number = 64 * mebibyte;

/**
 * A server does nothing else while it runs a command, so commands stay small: 250 keys take a tenth of a millisecond of
 * its time. All commands of a batch are written before the first reply is read, so many commands cost no more round
 * trips than one, and the client encodes one while the server runs another. Large values are sent in commands of 1 MiB:
 * commands of a quarter of that took the server a fifth longer.
 * https://redis.io/docs/latest/operate/oss_and_stack/management/optimization/latency/#single-threaded-nature-of-redis
 */
export const limits: DriverLimits = limitsOf({ maxKeys: 250, maxBytes: mebibyte }, 32);

/** On a cluster, a request is divided among the masters and each key is a separate command. */
export const clusterLimits: DriverLimits = limitsOf({ maxKeys: 2_000, maxBytes: 2 * mebibyte }, 8);

function limitsOf(request: RequestLimits, concurrency: number): DriverLimits {
  const each = Object.freeze(request);
  return Object.freeze({ maxValueBytes, get: each, set: each, delete: each, concurrency });
}
