import type { Fault } from "@manykv/core";

/** The engine refuses for good: nothing happened, and repeating does not help. */
export const refused: Fault = Object.freeze({
  code: "access-denied",
  retryable: false,
  effect: "none",
  reason: "INJECTED",
});

/** The engine does not serve now: nothing happened, and repeating may help. */
export const unavailable: Fault = Object.freeze({ code: "unavailable", retryable: true, effect: "none" });

/** The engine has no capacity: nothing happened, and repeating may help. */
export const throttled: Fault = Object.freeze({ code: "throttled", retryable: true, effect: "none" });

/** The answer never came: a write may have been applied. */
export const answerLost: Fault = Object.freeze({
  code: "connection-lost",
  retryable: true,
  effect: "unknown",
});

/** The time of the request was over: a write may have been applied. */
export const timeOver: Fault = Object.freeze({ code: "timeout", retryable: true, effect: "unknown" });
