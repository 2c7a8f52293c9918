import type { ScanPosition } from "../listing/scan-position.js";
import type { NodeView, SeenNode } from "./node-view.js";
import { SlotSet } from "./slot-set.js";

/** A node that has yet to be scanned for slots that came to it, or come, from a node that was scanned already. */
export interface Arrival {
  readonly id: string;
  /** The id of the node that they came from. */
  readonly from: string;
  readonly slots: SlotSet;
}

/** A scan of one node that is under way, and what it is for. */
export interface NodeScan extends ScanPosition {
  readonly id: string;
  /** Slots that the node served when the scan began. */
  readonly owned: SlotSet;
  /** Those of them whose keys were moving away by then. */
  readonly leaving: SlotSet;
  /** Slots that arrived from elsewhere, whose keys there were listed before this scan began. */
  readonly arrived: SlotSet;
}

/** What a listing of a cluster has left to do. */
export interface ListingProgress {
  readonly open: SlotSet;
  readonly arrivals: readonly Arrival[];
  readonly stuck: SlotSet;
  readonly scan: NodeScan | undefined;
}

/**
 * How far a listing of a cluster has come.
 *
 * A key is never missed: its slot is done only when a whole scan of one process found it there at both ends, or when a
 * whole scan of the node that it moved away from was followed by a whole scan of the node that it moved to. What
 * happens otherwise, a failover or a restart for one, puts the slot back among the open ones.
 *
 * The one thing that is not noticed is a slot that leaves a node and comes back while that node is scanned.
 */
export class ListingState {
  readonly #open: SlotSet;
  /** By both nodes. */
  readonly #arrivals: Map<string, Arrival>;
  /** Slots that were found not to arrive where their owner said: the move was given up or broken off. */
  readonly #stuck: SlotSet;
  #scan: NodeScan | undefined;

  constructor({ open, arrivals, stuck, scan }: ListingProgress = beginning()) {
    this.#open = open;
    this.#arrivals = new Map(arrivals.map((arrival) => [keyOf(arrival.from, arrival.id), arrival]));
    this.#stuck = stuck;
    this.#scan = scan;
  }

  /** All of it, to go on from elsewhere. */
  get progress(): ListingProgress {
    return { open: this.#open, arrivals: [...this.#arrivals.values()], stuck: this.#stuck, scan: this.#scan };
  }

  get scan(): NodeScan | undefined {
    return this.#scan;
  }

  get done(): boolean {
    return this.#scan === undefined && this.#arrivals.size === 0 && this.#open.empty;
  }

  /** Slots that have to be scanned where they are now. */
  get open(): SlotSet {
    return this.#open;
  }

  /** A node to be scanned for its arrivals when no slot is open, since by then all scans before it are over. */
  nextArrival(): Arrival | undefined {
    for (const arrival of this.#arrivals.values()) return arrival;
    return undefined;
  }

  /** These are with another node by now than the one where they were to arrive. */
  reopen(arrival: Arrival, slots: SlotSet = arrival.slots): void {
    this.#open.addAll(slots);
    for (const slot of [...slots]) arrival.slots.remove(slot);
    if (arrival.slots.empty) this.#arrivals.delete(keyOf(arrival.from, arrival.id));
  }

  /** A scan begins, unless there is nothing that the node would be scanned for. */
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

  /** The scan counts for nothing: its process or its node is another by now. */
  abandon(): void {
    this.#scan = undefined;
  }

  /** A scan has come to its end. `view` is what the node saw after it. */
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
