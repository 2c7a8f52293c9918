import type { Shape } from "../measure/lot.js";
import type { Spread } from "../measure/statistics.js";
import type { Race } from "./report.js";

export function count(number: number): string {
  return number.toLocaleString("en-US");
}

export function size(bytes: number): string {
  return bytes < 1024 ? `${bytes} B` : `${count(bytes / 1024)} KiB`;
}

export function mebibytes(bytes: number): string {
  return count(Math.round(bytes / 2 ** 20));
}

export function shapeWords({ keys, bytes, hits }: Shape): string {
  const found = { all: "", half: ", half of them found", none: ", none found" }[hits];
  return `${count(keys)} ${keys === 1 ? "key" : "keys"} x ${size(bytes)}${found}`;
}

export function raceTitle({ backend, track, shape }: Race): string {
  const where = {
    batch: "",
    core: ", through core and past it",
    distance: ", over a link with delay",
    volume: "",
  }[track];
  return `${backend}: ${shapeWords(shape)}${where}`;
}

/** Three digits that matter; no more are known. */
export function figure(number: number): string {
  if (number >= 100) return count(Math.round(number));
  return number >= 1 ? number.toPrecision(3) : number.toPrecision(2);
}

/** As `1.23 (1.10-1.40)`: the median, and where half of the figures lie. */
export function spreadWords({ median, low, high }: Spread): string {
  return `${figure(median)} (${figure(low)}-${figure(high)})`;
}
