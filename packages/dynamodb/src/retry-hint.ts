/**
 * Returns how long the service asks to wait before a retry, in milliseconds, or `undefined` if it does not say.
 *
 * @param headers - with `x-amz-retry-after` in milliseconds, or `retry-after` in seconds or as a date
 * @param error - with the member `retryAfterSeconds` of the body
 */
export function retryHint(headers: Readonly<Record<string, unknown>> = {}, error: object = {}): number | undefined {
  const { "x-amz-retry-after": milliseconds, "retry-after": secondsOrDate } = headers;
  const { retryAfterSeconds, RetryAfterSeconds = retryAfterSeconds } = error as Record<string, unknown>;
  const untilDate = Date.parse(String(secondsOrDate)) - Date.now();
  const seconds = [secondsOrDate, RetryAfterSeconds].map((text) => 1_000 * numberIn(text));
  return [numberIn(milliseconds), ...seconds, untilDate].find((delay) => delay >= 0);
}

/** Returns the number in `text`, or `NaN` if it contains anything else. */
function numberIn(text: unknown): number {
  return typeof text === "number" || /^\d+(\.\d+)?$/.test(String(text)) ? Number(text) : Number.NaN;
}
