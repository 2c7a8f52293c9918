import type { Fault } from "@manykv/core/driver";

/** The engine refuses for good. Nothing was applied, and repeating does not help. */
export const refused: Fault = Object.freeze({
  code: "access-denied",
  retryable: false,
  effect: "none",
  reason: "INJECTED",
});

/** The engine does not serve requests now. Nothing was applied, and repeating may help. */
export const unavailable: Fault = Object.freeze({ code: "unavailable", retryable: true, effect: "none" });

/** The engine has no capacity. Nothing was applied, and repeating may help. */
export const throttled: Fault = Object.freeze({ code: "throttled", retryable: true, effect: "none" });

/** The answer never came. A write may have been applied. */
export const answerLost: Fault = Object.freeze({
  code: "connection-lost",
  retryable: true,
  effect: "unknown",
});

/** The request ran out of time. A write may have been applied. */
export const timeOver: Fault = Object.freeze({ code: "timeout", retryable: true, effect: "unknown" });
