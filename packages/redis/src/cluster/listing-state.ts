import type { ScanPosition } from "../listing/cursor.js";
import type { NodeView, SeenNode } from "./node-view.js";
import { SlotSet } from "./slot-set.js";

/** A node still to be scanned for slots that moved, or are moving, to it from a node that was scanned already. */
export interface Arrival {
  readonly id: string;
  /** The id of the node that the slots came from. */
  readonly from: string;
  readonly slots: SlotSet;
}

/** A scan of one node that is in progress, and the slots that it is for. */
export interface NodeScan extends ScanPosition {
  readonly id: string;
  /** Slots that the node served when the scan began. */
  readonly owned: SlotSet;
  /** Of `owned`, the slots that were already moving away. */
  readonly leaving: SlotSet;
  /** Slots that arrived from another node, where their keys were listed before this scan began. */
  readonly arrived: SlotSet;
}

/** What is left to do for a listing of a cluster. */
export interface ListingProgress {
  readonly open: SlotSet;
  readonly arrivals: readonly Arrival[];
  readonly stuck: SlotSet;
  readonly scan: NodeScan | undefined;
}

/**
 * The progress of a listing of a cluster.
 *
 *     open -- scan of the owner --> done       it served the slot before and after the scan
 *     open -- scan of the owner --> arrival    the slot moved, or is moving, to another node
 *     arrival -- scan of that node --> done    it received the slot, or is receiving it
 *     open, arrival -- otherwise --> open      a failover, a restart, a move that was given up
 *
 * So a complete listing misses no key, with one exception: it does not notice a slot that leaves a node and returns
 * while that node is being scanned.
 */
export class ListingState {
  readonly #open: SlotSet;
  /** By the ids of both nodes. */
  readonly #arrivals: Map<string, Arrival>;
  /** Slots that did not arrive where their owner said, because the move was given up. */
  readonly #stuck: SlotSet;
  #scan: NodeScan | undefined;

  constructor({ open, arrivals, stuck, scan }: ListingProgress = beginning()) {
    this.#open = open;
    this.#arrivals = new Map(arrivals.map((arrival) => [keyOf(arrival.from, arrival.id), arrival]));
    this.#stuck = stuck;
    this.#scan = scan;
  }

  /** Everything needed to continue in another process. */
  get progress(): ListingProgress {
    return { open: this.#open, arrivals: [...this.#arrivals.values()], stuck: this.#stuck, scan: this.#scan };
  }

  get scan(): NodeScan | undefined {
    return this.#scan;
  }

  get done(): boolean {
    return this.#scan === undefined && this.#arrivals.size === 0 && this.#open.empty;
  }

  /** Slots to be scanned on the node that serves them now. */
  get open(): SlotSet {
    return this.#open;
  }

  /** The next node to scan for arrivals. Only once no slot is open: all scans of the nodes they left are over then. */
  nextArrival(): Arrival | undefined {
    for (const arrival of this.#arrivals.values()) return arrival;
    return undefined;
  }

  /** Another node than the expected one serves these slots by now. */
  reopen(arrival: Arrival, slots: SlotSet = arrival.slots): void {
    this.#open.addAll(slots);
    for (const slot of [...slots]) arrival.slots.remove(slot);
    if (arrival.slots.empty) this.#arrivals.delete(keyOf(arrival.from, arrival.id));
  }

  /** Begins a scan, unless the node has no slot left to scan. */
  begin(view: NodeView, process: string | undefined): void {
    const owned = view.owned.common(this.#open);
    const arrived = new SlotSet();
    for (const arrival of this.#arrivals.values()) if (arrival.id === view.id) arrived.addAll(arrival.slots);
    if (owned.empty && arrived.empty) return;
    const leaving = new SlotSet();
    for (const slot of owned) if (view.migrating.has(slot)) leaving.add(slot);
    this.#scan = { id: view.id, process, cursor: "0", owned, leaving, arrived };
  }

  advance(cursor: string): void {
    if (this.#scan !== undefined) this.#scan = { ...this.#scan, cursor };
  }

  /** Discards the scan, because its process or node was replaced. */
  abandon(): void {
    this.#scan = undefined;
  }

  /** Ends a complete scan. `view` is the node's view after it. */
  finish(view: NodeView): void {
    const scan = this.#scan;
    this.#scan = undefined;
    if (scan === undefined || scan.id !== view.id) return;
    for (const arrival of [...this.#arrivals.values()]) {
      if (arrival.id === view.id) this.#arrivals.delete(keyOf(arrival.from, arrival.id));
    }
    for (const slot of scan.arrived) this.#finishArrived(slot, view);
    for (const slot of scan.owned) this.#finishOwned(slot, scan, view);
  }

  #finishOwned(slot: number, scan: NodeScan, view: NodeView): void {
    const target = view.migrating.get(slot);
    const moving = target !== undefined && !this.#stuck.has(slot);
    if (!view.owned.has(slot)) this.#follow(slot, view, view.ownerOf(slot));
    else if (moving) this.#follow(slot, view, view.node(target));
    else if (target !== undefined || !scan.leaving.has(slot)) this.#open.remove(slot);
  }

  #finishArrived(slot: number, view: NodeView): void {
    const target = view.migrating.get(slot);
    if (view.owned.has(slot)) {
      if (target !== undefined) this.#follow(slot, view, view.node(target));
    } else if (!view.importing.has(slot)) {
      this.#open.add(slot);
      this.#stuck.add(slot);
    }
  }

  #follow(slot: number, from: NodeView, node: SeenNode | undefined): void {
    if (node === undefined) {
      this.#open.add(slot);
      return;
    }
    this.#open.remove(slot);
    const key = keyOf(from.id, node.id);
    const arrival = this.#arrivals.get(key) ?? { from: from.id, id: node.id, slots: new SlotSet() };
    arrival.slots.add(slot);
    this.#arrivals.set(key, arrival);
  }
}

function beginning(): ListingProgress {
  return { open: SlotSet.parse(SlotSet.all), arrivals: [], stuck: new SlotSet(), scan: undefined };
}

function keyOf(from: string, to: string): string {
  return `${from} ${to}`;
}
