import { decodeCursor, encodeCursor, invalidCursor, isRecord } from "../listing/cursor-text.js";
import { parseScanCursor, parseWord } from "../listing/scan-position.js";
import type { Arrival, ListingProgress, NodeScan } from "./listing-state.js";
import type { SeenNode } from "./node-view.js";
import { SlotSet } from "./slot-set.js";

export function encodeProgress(bucket: string, { open, arrivals, stuck, scan }: ListingProgress): string {
  return encodeCursor(bucket, {
    open: `${open}`,
    stuck: `${stuck}`,
    arrivals: arrivals.map(({ slots, ...nodes }) => ({ ...nodes, slots: `${slots}` })),
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
  const { slots, from, ...node } = record(value);
  return { ...parseNode(node), from: parseWord(from) ?? "", slots: parseSlots(slots) };
}

function parseScan(value: unknown): NodeScan {
  const { process, cursor, owned, leaving, arrived, ...node } = record(value);
  return {
    ...parseNode(node),
    process: parseWord(process),
    cursor: parseScanCursor(cursor),
    owned: parseSlots(owned),
    leaving: parseSlots(leaving),
    arrived: parseSlots(arrived),
  };
}

function parseNode(value: Record<string, unknown>): SeenNode {
  const { id, address } = value;
  const { host, port } = record(address);
  const word = parseWord(id);
  if (word === undefined || typeof host !== "string" || typeof port !== "number") throw invalidCursor();
  return { id: word, address: { host, port } };
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
