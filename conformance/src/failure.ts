import type { CaseFailure, CaseResult } from "./results.js";
import type { RequestLog } from "./support/request-log.js";
import { chainOf, messageOf, show } from "./support/show.js";

/** Returns the parts of a failure from what a case or its cleanup threw, and from the log of the case so far. */
export function failureOf(phase: CaseFailure["phase"], error: unknown, log: RequestLog): CaseFailure {
  const [, ...causes] = new Set([error, ...log.errors].flatMap(chainOf).map(stackOf));
  const stack = error instanceof Error ? framesOf(error) : "";
  return {
    phase,
    error,
    message: messageOf(error),
    ...(stack !== "" && { stack }),
    ...(log.errors.length > 0 && { driverError: log.errors[0] }),
    cause: causes,
    requests: log.lines,
    ...(log.faults !== undefined && { fault: log.faults }),
  };
}

/** Returns everything that is known about a failure, as text for a person. */
export function describeFailure({ id, subject, title, seed, failure }: CaseResult): string {
  if (failure === undefined) return "";
  const replay = `Seed ${seed}: to replay the failure, set \`seed: ${seed}\` in the harness`;
  return [`${id} (${subject}): ${title}`, textOf(failure), replay].join("\n");
}

/** Returns a failure as text for a person, without the case and the seed. */
export function textOf({ phase, message, stack, cause, requests, fault }: CaseFailure): string {
  const parts = [
    phase === "cleanup" ? `The case passed, but its cleanup failed: ${message}` : message,
    ...(stack === undefined ? [] : [stack]),
    ...cause.map((text) => `Cause: ${text}`),
    ...(fault === undefined ? [] : [`Injected fault: ${fault}`]),
    ...(requests.length === 0
      ? []
      : [`Last requests to the driver:\n${requests.map((line) => `  ${line}`).join("\n")}`]),
  ];
  return parts.join("\n");
}

/** Returns a result whose errors are text, so that it can be written as JSON. */
export function toJson<Result extends object>(result: Result): unknown {
  // `this` is the object that contains the value. `value` itself may be what `toJSON` of an error returned.
  function textOfErrors(this: Record<string, unknown>, name: string, value: unknown): unknown {
    return name === "error" || name === "driverError" ? show(this[name]) : value;
  }
  return JSON.parse(JSON.stringify(result, textOfErrors));
}

/** Number of lines of a stack to show. */
const mostFrames = 6;

/** Returns an error's name, message and stack. Omits its other properties, which may contain credentials. */
export function stackOf(error: unknown): string {
  return error instanceof Error ? `${messageOf(error)}\n${framesOf(error)}` : show(error);
}

/** Returns the first frames of a stack that are not inside Node.js. */
export function framesOf({ stack = "" }: { readonly stack?: string }): string {
  return stack
    .split("\n")
    .filter((line) => /^\s+at (?!.*\bnode:)/.test(line))
    .slice(0, mostFrames)
    .join("\n");
}
