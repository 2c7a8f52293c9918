import { slotCount } from "./key-slot.js";
import { type Address, parseNodeAddress } from "./node-address.js";
import { parseSlotRange, SlotSet } from "./slot-set.js";

/** A node in the reply to `CLUSTER NODES`. */
export interface SeenNode {
  readonly id: string;
  readonly address: Address;
}

/** The cluster as one node sees it. A node knows only which of its own slots are moving. */
export interface NodeView {
  readonly id: string;
  /** Slots that the node serves. Empty for a replica. */
  readonly owned: SlotSet;
  /** Slots that are moving to another node, each with the id of that node. */
  readonly migrating: ReadonlyMap<number, string>;
  /** Slots that are moving to this node from another node. */
  readonly importing: SlotSet;
  ownerOf(slot: number): SeenNode | undefined;
  node(id: string): SeenNode | undefined;
}

interface Line extends SeenNode {
  readonly myself: boolean;
  readonly ranges: readonly string[];
  readonly moves: readonly string[];
}

/**
 * Parses the reply to `CLUSTER NODES`. Returns `undefined` for any other text, including an invalid range of slots.
 * https://redis.io/docs/latest/commands/cluster-nodes/
 */
export function parseNodeView(text: string, answering: Address): NodeView | undefined {
  const lines = text.split("\n").flatMap((line) => parseLine(line, answering));
  const own = lines.find(({ myself }) => myself);
  if (own === undefined) return undefined;
  const owners = new Array<SeenNode | undefined>(slotCount);
  for (const line of lines)
    for (const text of line.ranges) {
      const range = parseSlotRange(text);
      if (range === undefined) return undefined;
      owners.fill(line, range.from, range.to + 1);
    }
  const migrating = new Map<number, string>();
  const importing = new SlotSet();
  for (const move of own.moves) {
    const [, slot, direction, id] = /^\[(\d+)-([<>])-(\w+)\]$/.exec(move) ?? [];
    if (id === undefined) continue;
    if (direction === ">") migrating.set(Number(slot), id);
    else importing.add(Number(slot));
  }
  const owned = new SlotSet();
  owners.forEach((owner, slot) => {
    if (owner === own) owned.add(slot);
  });
  return {
    id: own.id,
    owned,
    migrating,
    importing,
    ownerOf: (slot) => owners[slot],
    node: (id) => lines.find((line) => line.id === id),
  };
}

/** Parses a line such as `id ip:port@cport[,hostname] flags master ping pong epoch link slot slot ...`. */
function parseLine(line: string, answering: Address): Line[] {
  const [id = "", where = "", flags = "", , , , , , ...rest] = line.trim().split(" ");
  const address = parseNodeAddress(where.replace(/@.*$/, ""), answering);
  if (address === undefined) return [];
  const ranges = rest.filter((word) => /^\d/.test(word));
  const moves = rest.filter((word) => word.startsWith("["));
  return [{ id, address, myself: flags.split(",").includes("myself"), ranges, moves }];
}
