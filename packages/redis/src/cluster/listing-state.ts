import { countRestart, type ScanPosition } from "../listing/cursor.js";
import type { NodeView, SeenNode } from "./node-view.js";
import { SlotSet } from "./slot-set.js";

/** Slots that moved, or are moving, from a node that was already scanned to a node that must still be scanned. */
export interface Arrival {
  readonly id: string;
  /** The id of the node from which the slots come. */
  readonly from: string;
  readonly slots: SlotSet;
}

/** An unfinished scan of one node, and the slots that the scan covers. */
export interface NodeScan extends ScanPosition {
  readonly id: string;
  /** The open slots that the node served when the scan began. */
  readonly owned: SlotSet;
  /** The slots of `owned` that were already moving to another node when the scan began. */
  readonly leaving: SlotSet;
  /** Slots that moved, or are moving, to this node from a node that was scanned before this scan began. */
  readonly arrived: SlotSet;
}

/** The state of a cluster listing. A cursor contains this state. */
export interface ListingProgress {
  readonly open: SlotSet;
  readonly arrivals: readonly Arrival[];
  readonly stuck: SlotSet;
  readonly scan: NodeScan | undefined;
  /** How often the scan of a node has started over. */
  readonly restarts: number;
}

/**
 * Tracks which slots a listing of a cluster must still scan. Each slot changes its state as follows:
 *
 *     open -- scan of the owner --> done       the owner served the slot before and after the scan
 *     open -- scan of the owner --> arrival    the slot moved, or is moving, to another node
 *     arrival -- scan of that node --> done    that node has received the slot, or is receiving it
 *     open, arrival -- otherwise --> open      after a failover, a restart or a cancelled move
 *
 * So a complete listing misses no key that exists throughout, with one exception: the listing does not notice a slot
 * that leaves a node and returns to the node while the listing scans that node.
 */
export class ListingState {
  readonly #open: SlotSet;
  /** The arrivals. The key combines the ids of the source node and the target node. */
  readonly #arrivals: Map<string, Arrival>;
  /** Slots whose move was cancelled: the owner still reports a target node, but that node does not import the slot. */
  readonly #stuck: SlotSet;
  #scan: NodeScan | undefined;
  #restarts: number;

  constructor({ open, arrivals, stuck, scan, restarts }: ListingProgress = beginning()) {
    this.#open = open;
    this.#arrivals = new Map(arrivals.map((arrival) => [keyOf(arrival.from, arrival.id), arrival]));
    this.#stuck = stuck;
    this.#scan = scan;
    this.#restarts = restarts;
  }

  /** The state that another process needs to continue the listing. */
  get progress(): ListingProgress {
    return {
      open: this.#open,
      arrivals: [...this.#arrivals.values()],
      stuck: this.#stuck,
      scan: this.#scan,
      restarts: this.#restarts,
    };
  }

  get scan(): NodeScan | undefined {
    return this.#scan;
  }

  get done(): boolean {
    return this.#scan === undefined && this.#arrivals.size === 0 && this.#open.empty;
  }

  /** The slots that must still be scanned on the node that serves them. */
  get open(): SlotSet {
    return this.#open;
  }

  /** Returns an arrival, or `undefined` if no arrivals are left. Scan the arrival's node only when no slot is open. */
  nextArrival(): Arrival | undefined {
    for (const arrival of this.#arrivals.values()) return arrival;
    return undefined;
  }

  /** Marks slots of an arrival as open again, because they cannot be scanned on the arrival's node. */
  reopen(arrival: Arrival, slots: SlotSet = arrival.slots): void {
    this.#open.addAll(slots);
    for (const slot of [...slots]) arrival.slots.remove(slot);
    if (arrival.slots.empty) this.#arrivals.delete(keyOf(arrival.from, arrival.id));
  }

  /** Begins a scan of a node if some of the node's slots must still be scanned. */
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

  /**
   * Discards the scan in progress, because its node is unreachable or its server process was replaced.
   *
   * @throws {FaultError} if this has happened too often
   */
  abandon(): void {
    this.#restarts = countRestart(this.#restarts);
    this.#scan = undefined;
  }

  /** Ends a complete scan. `view` is the cluster as the node sees it after the scan. */
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
  return { open: SlotSet.parse(SlotSet.all), arrivals: [], stuck: new SlotSet(), scan: undefined, restarts: 0 };
}

function keyOf(from: string, to: string): string {
  return `${from} ${to}`;
}
