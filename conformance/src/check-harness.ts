import type { ConformanceHarness } from "./harness.js";

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
  skip: { is: "an object that maps case ids to reasons", fits: isAbsentOr(isObject) },
  modelRuns: { is: "a number", fits: isAbsentOr((value) => typeof value === "number") },
  seed: { is: "a number", fits: isAbsentOr((value) => typeof value === "number") },
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
  if (!isObject(harness))
    throw new TypeError("conformanceSuite: the second argument must be a harness, `{ name, driver }`");
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

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function isAddresses(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => typeof one?.host === "string" && Number.isInteger(one.port));
}
