import type { Driver, Fault } from "../driver.js";
import type { Call, Interruption } from "./call.js";
import type { Request } from "./request.js";

/** An attempt's end: the driver's answer, or a fault of the whole request; and whether it was cut short. */
export interface AttemptResult<Answer> {
  readonly answer?: Answer;
  readonly fault?: Fault;
  readonly interruption?: Interruption | undefined;
}

/** The longest attempt, in milliseconds; it bounds a call whose timeout is `Infinity`. */
const longestAttempt = 30_000;
/** How long an interrupted driver may take to say what it knows, in milliseconds. */
const grace = 100;

/**
 * Time for the next attempt, in milliseconds: two thirds of what is left, so that after a connection that went silent
 * there is time to settle the lost request and to repeat it on another. A tenth of the timeout is kept for settling.
 * Nothing is left for an attempt where the result is 0.
 */
export function attemptBudget({ timeout, left }: Call): number {
  const usable = left - Math.min(250, timeout / 10);
  if (usable <= 0) return 0;
  return Math.min(longestAttempt, usable < 20 ? usable : (usable * 2) / 3);
}

/** Sends a request once. Settles when its deadline is over or the call is interrupted, whatever the driver does. */
export function attempt<Answer>(
  driver: Driver,
  call: Call,
  request: Request,
  budget: number,
  send: (request: Request) => Promise<Answer>,
): Promise<AttemptResult<Answer>> {
  return new Promise((resolve) => {
    let interruption: Interruption | undefined;
    let graceTimer: ReturnType<typeof setTimeout> | undefined;
    const finish = (result: AttemptResult<Answer>): void => {
      clearTimeout(timer);
      clearTimeout(graceTimer);
      off();
      resolve(interruption === undefined ? result : { ...result, interruption });
    };
    const interrupt = (why: Interruption): void => {
      if (interruption !== undefined) return;
      interruption = why;
      graceTimer = setTimeout(finish, grace, { fault: lost(why) });
      request.abort();
    };
    const timer = setTimeout(interrupt, budget, "timeout");
    const off = call.onInterrupt(() => interrupt("aborted"));
    const failed = (error: unknown): void => finish({ fault: classify(driver, error) });
    try {
      Promise.resolve(send(request)).then((answer) => finish({ answer }), failed);
    } catch (error) {
      // A driver may also throw before it gives a promise.
      failed(error);
    }
  });
}

/** The driver did not say what became of an interrupted request. */
function lost(code: Interruption): Fault {
  return { code, retryable: code === "timeout", effect: "unknown" };
}

/** A driver whose `classify` fails itself has told nothing, so nothing is known. */
function classify(driver: Driver, error: unknown): Fault {
  try {
    return driver.classify(error);
  } catch {
    return { code: "internal", retryable: false, effect: "unknown" };
  }
}
