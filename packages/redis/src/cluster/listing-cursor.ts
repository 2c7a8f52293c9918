import { decodeCursor, encodeCursor, invalidCursor, isRecord } from "../listing/cursor-text.js";
import { parseScanCursor, parseWord } from "../listing/scan-position.js";
import type { Arrival, ListingProgress, NodeScan } from "./listing-state.js";
import { SlotSet } from "./slot-set.js";

/**
 * Nodes stand in it by their ids and never by their addresses: a cursor comes back from outside, and where a connection
 * goes, and a password with it, is for the cluster alone to say.
 */
export function encodeProgress(bucket: string, { open, arrivals, stuck, scan }: ListingProgress): string {
  return encodeCursor(bucket, {
    open: `${open}`,
    stuck: `${stuck}`,
    arrivals: arrivals.map(({ slots, ...ids }) => ({ ...ids, slots: `${slots}` })),
    scan: scan && {
      ...scan,
      owned: `${scan.owned}`,
      leaving: `${scan.leaving}`,
      arrived: `${scan.arrived}`,
    },
  });
}

/** @throws {StoreError} `invalid-argument` for a cursor that no listing of this bucket gave */
export function decodeProgress(bucket: string, cursor: string): ListingProgress {
  const { open, arrivals, stuck, scan } = decodeCursor(bucket, cursor);
  if (!Array.isArray(arrivals)) throw invalidCursor();
  return {
    open: parseSlots(open),
    arrivals: arrivals.map(parseArrival),
    stuck: parseSlots(stuck),
    scan: scan === undefined ? undefined : parseScan(scan),
  };
}

function parseArrival(value: unknown): Arrival {
  const { id, slots, from } = record(value);
  return { id: parseId(id), from: parseWord(from) ?? "", slots: parseSlots(slots) };
}

function parseScan(value: unknown): NodeScan {
  const { id, process, cursor, owned, leaving, arrived } = record(value);
  return {
    id: parseId(id),
    process: parseWord(process),
    cursor: parseScanCursor(cursor),
    owned: parseSlots(owned),
    leaving: parseSlots(leaving),
    arrived: parseSlots(arrived),
  };
}

function parseId(value: unknown): string {
  const id = parseWord(value);
  if (id === undefined) throw invalidCursor();
  return id;
}

function parseSlots(value: unknown): SlotSet {
  try {
    if (typeof value === "string") return SlotSet.parse(value);
  } catch {
    // Not a list of slots.
  }
  throw invalidCursor();
}

function record(value: unknown): Record<string, unknown> {
  if (isRecord(value)) return value;
  throw invalidCursor();
}
