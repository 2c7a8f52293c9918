import type { DriverLimits, RequestLimits } from "@manykv/core/driver";

const mebibyte = 1_048_576;

/** manykv's own limit. Redis accepts 512 MB: https://redis.io/docs/latest/develop/data-types/strings/#limits */
const maxValueBytes: number = 64 * mebibyte;

/**
 * Redis runs one command at a time, so commands must be short: 2,000 keys take about a millisecond. Fewer keys per
 * command would need more writes to the socket, and a write takes as much time as about 300 keys. With a few commands
 * in flight, the client encodes one while the server runs another. More commands would only delay other calls.
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

/** The limits on a cluster. The driver divides a request among the masters and sends one command per key. */
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
