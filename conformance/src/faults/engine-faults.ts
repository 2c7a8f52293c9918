import type { Fault } from "@manykv/core/driver";

/** The engine refuses the request permanently. It applied nothing, and a repeated request fails too. */
export const refused: Fault = Object.freeze({
  code: "access-denied",
  retryable: false,
  effect: "none",
  reason: "INJECTED",
});

/** The engine does not serve requests at the moment. It applied nothing, and a repeated request may succeed. */
export const unavailable: Fault = Object.freeze({ code: "unavailable", retryable: true, effect: "none" });

/** The engine has no capacity for the request. It applied nothing, and a repeated request may succeed. */
export const throttled: Fault = Object.freeze({ code: "throttled", retryable: true, effect: "none" });

/** The connection was lost before the response arrived. The engine may have applied the write. */
export const answerLost: Fault = Object.freeze({
  code: "connection-lost",
  retryable: true,
  effect: "unknown",
});

/** The request timed out. The engine may have applied the write. */
export const timeOver: Fault = Object.freeze({ code: "timeout", retryable: true, effect: "unknown" });
