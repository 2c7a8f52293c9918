import type { CaseFailure, CaseResult } from "./results.js";

/** Returns the parts of a failure from what a case or its cleanup threw. */
export function failureOf(phase: CaseFailure["phase"], error: unknown): CaseFailure {
  const cause: string[] = [];
  for (let each = causeOf(error); each !== undefined; each = causeOf(each)) cause.push(stackOf(each));
  const stack = error instanceof Error ? framesOf(error) : "";
  return { phase, error, message: messageOf(error), ...(stack !== "" && { stack }), cause, requests: [] };
}

/** Returns everything that is known about a failure, as text for a person. */
export function describeFailure({ id, subject, title, seed, failure }: CaseResult): string {
  if (failure === undefined) return "";
  const { phase, message, cause, requests, fault } = failure;
  const parts = [
    `${id} (${subject}): ${title}`,
    phase === "cleanup" ? `The case passed, but its cleanup failed: ${message}` : message,
    ...cause.map((text) => `Cause: ${text}`),
    ...(fault === undefined ? [] : [`Injected fault: ${fault}`]),
    ...(requests.length === 0
      ? []
      : [`Last requests to the driver:\n${requests.map((line) => `  ${line}`).join("\n")}`]),
    `Seed ${seed}: to replay the failure, set \`seed: ${seed}\` in the harness`,
  ];
  return parts.join("\n");
}

/** Returns a result whose errors are text, so that it can be written as JSON. */
export function toJson<Result extends object>(result: Result): unknown {
  return JSON.parse(JSON.stringify(result, (name, value) => (name === "error" ? String(value) : value)));
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

/** Returns an error's name, message and stack. Omits its other properties, which may contain credentials. */
function stackOf(error: unknown): string {
  return error instanceof Error ? `${messageOf(error)}\n${framesOf(error)}` : String(error);
}

function framesOf({ stack = "" }: Error): string {
  return stack
    .split("\n")
    .filter((line) => /^\s+at /.test(line))
    .join("\n");
}
