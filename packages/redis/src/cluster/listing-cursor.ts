import {
  decodeCursor,
  encodeCursor,
  invalidCursor,
  isRecord,
  parseCount,
  parseId,
  parseScanCursor,
} from "../listing/cursor.js";
import type { Arrival, ListingProgress, NodeScan } from "./listing-state.js";
import { SlotSet } from "./slot-set.js";

/**
 * Encodes a listing's state as a cursor. The cursor identifies nodes by id, never by address: a caller may forge the
 * cursor, but only the cluster may decide where the store connects and sends its password.
 */
export function encodeProgress(bucket: string, { open, arrivals, stuck, scan, restarts }: ListingProgress): string {
  return encodeCursor(bucket, {
    open: `${open}`,
    stuck: `${stuck}`,
    restarts,
    arrivals: arrivals.map(({ slots, ...ids }) => ({ ...ids, slots: `${slots}` })),
    scan: scan && {
      ...scan,
      owned: `${scan.owned}`,
      leaving: `${scan.leaving}`,
      arrived: `${scan.arrived}`,
    },
  });
}

/** Decodes a cursor. Throws `invalid-argument` if the cursor is malformed or belongs to another bucket. */
export function decodeProgress(bucket: string, cursor: string): ListingProgress {
  const { open, arrivals, stuck, scan, restarts } = decodeCursor(bucket, cursor);
  if (!Array.isArray(arrivals)) throw invalidCursor();
  return {
    open: parseSlots(open),
    arrivals: arrivals.map(parseArrival),
    stuck: parseSlots(stuck),
    scan: scan === undefined ? undefined : parseScan(scan),
    restarts: parseCount(restarts),
  };
}

function parseArrival(value: unknown): Arrival {
  const { id, slots, from } = record(value);
  return { id: requireId(id), from: parseId(from) ?? "", slots: parseSlots(slots) };
}

function parseScan(value: unknown): NodeScan {
  const { id, process, cursor, owned, leaving, arrived } = record(value);
  return {
    id: requireId(id),
    process: parseId(process),
    cursor: parseScanCursor(cursor),
    owned: parseSlots(owned),
    leaving: parseSlots(leaving),
    arrived: parseSlots(arrived),
  };
}

function requireId(value: unknown): string {
  const id = parseId(value);
  if (id === undefined) throw invalidCursor();
  return id;
}

function parseSlots(value: unknown): SlotSet {
  try {
    if (typeof value === "string") return SlotSet.parse(value);
  } catch {
    // The text is not a list of slots.
  }
  throw invalidCursor();
}

function record(value: unknown): Record<string, unknown> {
  if (isRecord(value)) return value;
  throw invalidCursor();
}
