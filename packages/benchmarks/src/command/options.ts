import { InvalidArgumentError } from "commander";
import { BACKENDS, type BackendName, TRACKS, type Track } from "../backends/backend.js";
import type { Hits } from "../measure/lot.js";

/** Readers of the command's options. Each says what it takes when it cannot read one. */
export const readBackends: (text: string) => BackendName[] = (text) => oneOf(text, BACKENDS);
export const readTracks: (text: string) => Track[] = (text) => oneOf(text, TRACKS);
export const readHits: (text: string) => Hits[] = (text) => oneOf(text, ["all", "half", "none"]);

export function readCounts(text: string): number[] {
  return text.split(",").map(readCount);
}

export function readCount(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  throw new InvalidArgumentError("It takes whole numbers above 0.");
}

export function readMilliseconds(text: string): number {
  const number = Number(text);
  if (number > 0) return number;
  throw new InvalidArgumentError("It takes milliseconds above 0.");
}

function oneOf<Name extends string>(text: string, names: readonly Name[]): Name[] {
  return text.split(",").map((part) => {
    const name = names.find((each) => each === part);
    if (name !== undefined) return name;
    throw new InvalidArgumentError(`It takes ${names.join(", ")}, with commas between several.`);
  });
}
