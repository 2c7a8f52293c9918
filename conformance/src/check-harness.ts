import type { ConformanceHarness, EngineFailure, KnownServer } from "./harness.js";

interface Field {
  /** Description of a valid value, for the error message. */
  readonly is: string;
  readonly fits: (value: unknown) => boolean;
}

const fields: { readonly [Name in keyof Required<ConformanceHarness>]: Field } = {
  name: { is: "a non-empty string", fits: (value) => typeof value === "string" && value !== "" },
  driver: { is: "a function that returns a driver", fits: (value) => typeof value === "function" },
  options: { is: "an object", fits: isAbsentOr(isObject) },
  servers: { is: "an array of `{ host, port }` objects", fits: isAbsentOr(isAddresses) },
  child: {
    is: "an object whose `file` is a URL",
    fits: isAbsentOr((value) => (value as { file?: unknown } | null)?.file instanceof URL),
  },
  refusals: { is: "an array of `{ what, code, driver }` objects", fits: isAbsentOr(areClients) },
  variants: { is: "an array of `{ what, driver }` objects", fits: isAbsentOr(areClients) },
  knownServers: { is: "an array of `{ what, driver, description }` objects", fits: isAbsentOr(areKnownServers) },
  invalidSettings: { is: "an array of `{ what, driver }` objects", fits: isAbsentOr(areClients) },
  engineFailures: {
    is: "an array of `{ what, operations, scope, expected, open }` objects",
    fits: isAbsentOr((value) => Array.isArray(value) && value.every(isEngineFailure)),
  },
  skip: { is: "an object that maps case ids to reasons", fits: isAbsentOr(isObject) },
  modelRuns: { is: "an integer of at least 1", fits: isAbsentOr((value) => isIntegerFrom(1, value)) },
  seed: { is: "an integer of at least 0", fits: isAbsentOr((value) => isIntegerFrom(0, value)) },
  createStore: {
    is: "a function that returns a store",
    fits: isAbsentOr((value) => typeof value === "function"),
  },
};

/**
 * Throws a `TypeError` if a required field is missing, or if a field is unknown or has the wrong type. Without this
 * check, the suite would silently ignore a misspelled field in plain JavaScript.
 */
export function checkHarness(harness: ConformanceHarness): void {
  if (!isObject(harness)) throw new TypeError("the conformance suite: `harness` must be a harness, `{ name, driver }`");
  const start = fields.name.fits(harness.name) ? harness.name : "the harness";
  for (const name of Object.keys(harness))
    if (!Object.hasOwn(fields, name))
      throw new TypeError(
        `${start}: unknown field \`${name}\`: the valid fields are ${Object.keys(fields).join(", ")}`,
      );
  for (const [name, { is, fits }] of Object.entries(fields))
    if (!fits(harness[name as keyof ConformanceHarness])) throw new TypeError(`${start}: \`${name}\` must be ${is}`);
}

function isAbsentOr(fits: (value: unknown) => boolean): (value: unknown) => boolean {
  return (value) => value === undefined || fits(value);
}

function areClients(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => typeof one?.driver === "function");
}

function areKnownServers(value: unknown): boolean {
  return areClients(value) && (value as readonly Partial<KnownServer>[]).every((one) => isObject(one.description));
}

function isIntegerFrom(least: number, value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= least;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function isAddresses(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => typeof one?.host === "string" && Number.isInteger(one.port));
}

function isEngineFailure(value: unknown): boolean {
  const { what, operations, scope, expected, open } = (value ?? {}) as Partial<Record<keyof EngineFailure, unknown>>;
  const isExpected = expected === "unprocessed" || expected === "success" || isObject(expected);
  const isScope = scope === "key" || scope === "request";
  return typeof what === "string" && Array.isArray(operations) && isScope && isExpected && typeof open === "function";
}
