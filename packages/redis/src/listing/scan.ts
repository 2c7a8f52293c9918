import { type DriverRequest, FaultError, now } from "@manykv/core/driver";
import type { Wanted } from "../key-names.js";
import { encodeCommand } from "../protocol/encode-command.js";
import { type Reply, textOf } from "../protocol/reply.js";

/** One `SCAN` command visits about this many names of the database. The server needs about half a millisecond. */
const count = "1000";
/** A page ends when it has at least this many keys. */
const enoughKeys = 1_000;
/** A page also ends after this many milliseconds. So a small bucket in a large database may have empty pages. */
const enoughTime = 500;

export function encodeScan({ pattern }: Wanted, cursor: string): Buffer {
  return encodeCommand("SCAN", cursor, "MATCH", pattern, "COUNT", count);
}

/** Keys that one `SCAN` found. The cursor `0` means that the scan is complete. */
export interface ScanPage {
  readonly keys: readonly string[];
  readonly cursor: string;
}

/**
 * Parses the reply to {@link encodeScan}. Skips names that no store can have written. Returns `undefined` if the reply is not
 * one to `SCAN`.
 */
export function keysOfScan(wanted: Wanted, sent: string, reply: Reply | undefined): ScanPage | undefined {
  const [cursor, names] = Array.isArray(reply) ? (reply as readonly Reply[]) : [];
  const next = cursor instanceof Uint8Array ? (textOf(cursor) ?? "") : "";
  if (!/^\d{1,20}$/.test(next) || !Array.isArray(names)) return undefined;
  const keys: string[] = [];
  for (const name of names as readonly Reply[]) {
    if (!(name instanceof Uint8Array)) return undefined;
    const key = wanted.itemOf(name);
    if (key !== undefined) keys.push(key);
  }
  // A listing that makes no progress would never end.
  if (next === sent && next !== "0") throw new FaultError(noProgress);
  return { keys, cursor: next };
}

const noProgress = Object.freeze({ code: "internal", retryable: false, effect: "none" } as const);

/** The result of one step of a listing. */
export interface Step {
  readonly keys: readonly string[];
  /** Whether the listing is complete. */
  readonly done: boolean;
}

/** Repeats a step until the page ends. Starts no new step after half of the request's remaining time. */
export async function fillPage({ deadline }: DriverRequest, step: () => Promise<Step>): Promise<Step> {
  const start = now();
  const end = start + Math.min(enoughTime, (deadline - start) / 2);
  const keys: string[] = [];
  for (;;) {
    const { keys: more, done } = await step();
    for (const key of more) keys.push(key);
    if (done || keys.length >= enoughKeys || now() >= end) return { keys, done };
  }
}
