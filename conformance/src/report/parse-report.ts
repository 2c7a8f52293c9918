import { levels } from "../levels.js";
import type { SuiteResult } from "../results.js";
import { rules } from "../rules.js";

/**
 * Reads the JSON of a result, as `JSON.stringify(toJson(result))` returns it. The errors of the result are text.
 *
 * @throws {TypeError} if the text is no such JSON. The message says what is wrong with it.
 */
export function parseReport(text: string): SuiteResult {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new TypeError("it is not JSON");
  }
  const report = fieldsOf(parsed, "the report");
  const { results } = report;
  check(typeof report["backend"] === "string", "`backend` must be a string");
  check(report["server"] === undefined || typeof report["server"] === "string", "`server` must be a string");
  check(Number.isSafeInteger(report["seed"]), "`seed` must be an integer");
  check(!Number.isNaN(Date.parse(String(report["startedAt"]))), "`startedAt` must be a time");
  check(typeof report["milliseconds"] === "number", "`milliseconds` must be a number");
  check(typeof report["complete"] === "boolean", "`complete` must be true or false");
  check(areTexts(report["unhandled"]), "`unhandled` must be an array of strings");
  check(Number.isSafeInteger(report["failedCleanups"]), "`failedCleanups` must be an integer");
  const reached = fieldsOf(report["levels"], "`levels`");
  for (const level of levels) {
    const isStatus = ["passed", "failed", "incomplete"].includes(String(reached[level]));
    check(isStatus, `\`levels.${level}\` must be passed, failed or incomplete`);
  }
  check(Array.isArray(results), "`results` must be an array");
  for (const [index, result] of (results as unknown[]).entries()) checkCase(result, `\`results[${index}]\``);
  checkCounts(report);
  return parsed as SuiteResult;
}

function checkCase(result: unknown, name: string): void {
  const { id, rule, subject, level, title, status, milliseconds, reason, failure, seed } = fieldsOf(result, name);
  const texts = [id, subject, title].every((each) => typeof each === "string");
  check(texts, `${name} must have an id, a subject and a title`);
  check(Object.hasOwn(rules, String(rule)), `${name} must have a rule that this version of the suite knows`);
  check((levels as readonly unknown[]).includes(level), `${name} must have a level that this version knows`);
  check(["passed", "failed", "skipped"].includes(String(status)), `${name} must have a status`);
  check(typeof milliseconds === "number" && Number.isSafeInteger(seed), `${name} must have a duration and a seed`);
  if (status === "skipped") check(typeof reason === "string", `${name} is skipped, so it must have a reason`);
  check((status === "failed") === (failure !== undefined), `${name} must have a failure only if it failed`);
  if (failure === undefined) return;
  const { phase, message, stack = "", cause, requests, fault = "" } = fieldsOf(failure, `the failure of ${name}`);
  const areStrings = [phase, message, stack, fault].every((each) => typeof each === "string");
  check(
    areStrings && areTexts(cause) && areTexts(requests),
    `the failure of ${name} must have a phase, a message, causes and requests`,
  );
}

function checkCounts({ counts, results }: Record<string, unknown>): void {
  const given = fieldsOf(counts, "`counts`");
  for (const status of ["passed", "failed", "skipped"]) {
    const count = (results as { status: string }[]).filter((each) => each.status === status).length;
    check(given[status] === count, `\`counts.${status}\` must be ${count}, the number of such cases`);
  }
}

function areTexts(list: unknown): boolean {
  return Array.isArray(list) && list.every((each) => typeof each === "string");
}

function fieldsOf(value: unknown, name: string): Record<string, unknown> {
  check(typeof value === "object" && value !== null, `${name} must be an object`);
  return value as Record<string, unknown>;
}

function check(isValid: boolean, message: string): void {
  if (!isValid) throw new TypeError(message);
}
