/** How failures that may pass are retried. */
export interface RetryOptions {
  /** Attempts in a row without progress before a call gives up. Default 10. */
  readonly attempts?: number | undefined;
  /** Upper bound of the first wait, in milliseconds; it doubles with every attempt without progress. Default 50. */
  readonly baseDelay?: number | undefined;
  /** Upper bound of any wait, in milliseconds. Default 2,000. */
  readonly maxDelay?: number | undefined;
}

export type RetryPolicy = { readonly [Option in keyof RetryOptions]-?: number };

export const defaultRetry: RetryPolicy = Object.freeze({ attempts: 10, baseDelay: 50, maxDelay: 2_000 });

/**
 * The wait before the next attempt, in milliseconds: full jitter, that is anything from 0 to a bound that doubles.
 * https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
 */
export function backoff(policy: RetryPolicy, stalls: number): number {
  return Math.random() * Math.min(policy.maxDelay, policy.baseDelay * 2 ** stalls);
}
