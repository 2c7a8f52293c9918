import type { DriverLimits, RequestLimits } from "@manykv/core/driver";

const mebibyte = 1_048_576;

/** Redis itself accepts 512 MB: https://redis.io/docs/latest/develop/data-types/strings/#limits */
const maxValueBytes: number = 64 * mebibyte;

/**
 * A server does nothing else while it runs a command, so commands stay short: 2,000 keys take it about a millisecond.
 * Fewer keys would cost more writes to the socket, each of which takes about as long as 300 keys. A few commands in flight
 * let the client encode one while the server runs another. More would only make other calls wait longer.
 * https://redis.io/docs/latest/operate/oss_and_stack/management/optimization/latency/#single-threaded-nature-of-redis
 */
const batch: RequestLimits = requests(2_000, mebibyte);

export const limits: DriverLimits = Object.freeze({
  maxValueBytes,
  get: batch,
  set: batch,
  delete: batch,
  concurrency: 4,
});

/** On a cluster, a request is divided among the masters and each key is a separate command. */
const clusterRequests: RequestLimits = requests(2_000, 2 * mebibyte);

export const clusterLimits: DriverLimits = Object.freeze({
  maxValueBytes,
  get: clusterRequests,
  set: clusterRequests,
  delete: clusterRequests,
  concurrency: 8,
});

function requests(maxKeys: number, maxBytes: number): RequestLimits {
  return Object.freeze({ maxKeys, maxBytes });
}
