import { clearTimer, createRequest, type DriverRequest, FaultError, now, setTimer, waitFor } from "@manykv/core/driver";
import { Lifetime } from "../connection/lifetime.js";
import type { NodeConnection } from "../connection/node-connection.js";
import { pause } from "../connection/pause.js";
import { faultOfReply } from "../error-table.js";
import { encodeCommand } from "../protocol/encode-command.js";
import { slotsReply } from "../protocol/reply-limits.js";
import type { ClusterAccess } from "./cluster-access.js";
import { LostSlots } from "./lost-slots.js";
import { type Address, keyOfAddress } from "./node-address.js";
import { parseSlotMap, type SlotMap } from "./slot-map.js";
import { SlotSet } from "./slot-set.js";

/** Time to wait for one node's slot map before also requesting it from the next node, in milliseconds. */
const askNextAfter = 500;
/** Longest time to search for the slot map, in milliseconds. */
const longestSearch = 10_000;
/** Shortest time between searches after redirections, in milliseconds. A redirection updates its slot immediately. */
const refreshCooldown = 200;

const clusterSlots = encodeCommand("CLUSTER", "SLOTS");

/** Keeps connections to the nodes of a cluster, and the latest known slot map. */
export class Topology {
  readonly #access: ClusterAccess;
  readonly #nodes: Map<string, NodeConnection> = new Map();
  #map: SlotMap | undefined;
  #stale = false;
  #refreshing: Promise<SlotMap> | undefined;
  #refreshed: number = -Infinity;
  /** Aborted when the store closes. */
  readonly #closing: AbortController = new AbortController();
  /** The slots of server processes that may have acknowledged writes and were replaced. */
  readonly lostSlots: LostSlots = new LostSlots();

  constructor(access: ClusterAccess) {
    this.#access = access;
  }

  /** The slot map, or `undefined` if it is unknown or may be outdated. */
  get current(): SlotMap | undefined {
    return this.#stale ? undefined : this.#map;
  }

  /** Returns the current slot map, or loads a new one. Throws a {@link FaultError} if no node returns one in time. */
  async slots(request: DriverRequest): Promise<SlotMap> {
    return this.current ?? waitFor(request, this.#refresh());
  }

  /** Loads a new slot map. Does not use the result of a search that was already running. */
  async freshSlots(request: DriverRequest): Promise<SlotMap> {
    const running = this.#refreshing;
    if (running !== undefined) await waitFor(request, running.then(ignore, ignore));
    return waitFor(request, this.#refresh());
  }

  /** Returns the connection to a node. Throws `closed` if the store was closed: a search may still be running. */
  nodeAt(address: Address): NodeConnection {
    if (this.#closing.signal.aborted) throw new FaultError(closed);
    const key = keyOfAddress(address);
    const known = this.#nodes.get(key);
    if (known !== undefined) return known;
    const node = this.#access.open(address);
    node.onReplaced = () => {
      if (this.#map !== undefined) this.lostSlots.add(this.#map.slotsOf(address));
    };
    this.#nodes.set(key, node);
    return node;
  }

  translate(address: Address): Address {
    return this.#access.translate(address);
  }

  /**
   * Records the new master of a slot. If it was a replica, a failover has given it all slots of the previous master.
   * Starts a search unless one began recently: other slots may have moved too.
   */
  applyMoved(slot: number, address: Address): void {
    const map = this.#map;
    const previous = map?.masters[map.ownerOf(slot)]?.address;
    const master = map?.masters.find((each) => isSame(each.address, address)) ?? { id: "", address };
    if (map !== undefined && previous !== undefined && this.#isFailover(previous, address)) {
      const slots = map.slotsOf(previous);
      this.#noteLost(previous, slots);
      for (const each of slots) map.assign(each, each, master);
    } else map?.assign(slot, slot, master);
    if (now() - this.#refreshed > refreshCooldown) this.#refresh().catch(() => {});
  }

  /** Marks the slot map as outdated, because a master may have changed. The next request loads a new map first. */
  markStale(): void {
    this.#stale = true;
  }

  /** The connections to the nodes that have been used. */
  get nodes(): readonly NodeConnection[] {
    return [...this.#nodes.values()];
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.nodes.map((node) => node.close()));
  }

  #refresh(): Promise<SlotMap> {
    this.#refreshing ??= this.#search().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #search(): Promise<SlotMap> {
    this.#refreshed = now();
    const map = await this.#findMap();
    this.#noteFailovers(map);
    this.#map = map;
    this.#stale = false;
    this.#closeRemovedNodes(map);
    return map;
  }

  /**
   * Requests the slot map from one node, then from the next if that node fails or is slow. Returns the first map. Asks
   * masters and replicas, shuffled so that a slow node delays few searches, then the seeds.
   */
  async #findMap(): Promise<SlotMap> {
    const search = new AbortController();
    const { signal } = search;
    const pauses = new Lifetime();
    const end = (): void => {
      search.abort();
      pauses.end();
    };
    this.#closing.signal.addEventListener("abort", end, { once: true });
    if (this.#closing.signal.aborted) end();
    const expiry = setTimer(end, longestSearch);
    const request = createRequest({ bucket: "", deadline: now() + longestSearch, signal });
    const answers = new Map<string, Promise<SlotMap>>();
    const askEach = async (addresses: readonly Address[]): Promise<SlotMap | undefined> => {
      for (const address of addresses) {
        if (answers.has(keyOfAddress(address))) continue;
        const answer = this.#ask(address, request);
        answers.set(keyOfAddress(address), answer);
        const soon = await Promise.race([answer.catch(ignore), pause(pauses, askNextAfter)]);
        if (soon !== undefined) return soon;
      }
      return undefined;
    };
    const askSeeds = async (): Promise<SlotMap> => {
      const found = await askEach(await this.#access.seeds(signal));
      return found ?? Promise.any(answers.values());
    };
    try {
      const masters = (this.#map?.masters ?? []).map(({ address }) => address);
      const found = await askEach([...shuffled(masters), ...shuffled(this.#map?.replicas ?? [])]);
      return found ?? (await Promise.any([...answers.values(), askSeeds()]));
    } catch (error) {
      throw mostPermanentError(error);
    } finally {
      clearTimer(expiry);
      this.#closing.signal.removeEventListener("abort", end);
      end();
    }
  }

  /** Finds the masters that one of their replicas has replaced since the last search. */
  #noteFailovers(map: SlotMap): void {
    for (const { address } of this.#map?.masters ?? []) {
      const lost = new SlotSet();
      for (const slot of this.#map?.slotsOf(address) ?? []) {
        const owner = map.masters[map.ownerOf(slot)]?.address;
        if (owner !== undefined && this.#isFailover(address, owner)) lost.add(slot);
      }
      this.#noteLost(address, lost);
    }
  }

  /** Returns whether a slot that was served by `previous` has a new master that was a replica. */
  #isFailover(previous: Address, master: Address): boolean {
    return !isSame(previous, master) && this.#map?.replicas.some((replica) => isSame(replica, master)) === true;
  }

  /**
   * Records a failover. The new master may lack the last writes that the previous one acknowledged, even if the previous
   * one still responds: nothing shows whether it had passed them on.
   */
  #noteLost(previous: Address, slots: SlotSet): void {
    if (this.#nodes.get(keyOfAddress(previous))?.acknowledged) this.lostSlots.add(slots);
  }

  async #ask(address: Address, request: DriverRequest): Promise<SlotMap> {
    const node = this.nodeAt(address);
    const connection = node.current ?? (await node.connect(request));
    const exchange = await connection.send(request, clusterSlots, 1, { limits: slotsReply });
    const [reply] = exchange.replies;
    const fault = reply instanceof Error ? faultOfReply(reply) : connection.faultOf(exchange);
    if (fault !== undefined) throw new FaultError(fault);
    const map = parseSlotMap(reply, address, (each) => this.#access.translate(each));
    if (map === undefined) throw new FaultError(noSlots);
    return map;
  }

  /** Closes idle connections to nodes that have left the cluster. */
  #closeRemovedNodes(map: SlotMap): void {
    const addresses = [...map.masters.map(({ address }) => address), ...map.replicas];
    const known = new Set(addresses.map(keyOfAddress));
    for (const [key, node] of this.#nodes) {
      if (known.has(key) || !node.idle) continue;
      void node.close();
      this.#nodes.delete(key);
    }
  }
}

const closed = Object.freeze({ code: "closed", retryable: false, effect: "none" } as const);

const noSlots = Object.freeze({
  code: "unavailable",
  retryable: true,
  effect: "none",
  reason: "CLUSTERDOWN",
} as const);

/** Returns the error to report if several nodes failed: preferably one that a retry cannot fix, such as NOAUTH. */
function mostPermanentError(error: unknown): unknown {
  if (!(error instanceof AggregateError)) return error;
  const errors = error.errors.flatMap((each: unknown) => (each instanceof AggregateError ? each.errors : [each]));
  const permanent = errors.find((each) => each instanceof FaultError && !each.fault.retryable);
  return permanent ?? errors[0] ?? new FaultError(noSlots);
}

function isSame(left: Address, right: Address): boolean {
  return keyOfAddress(left) === keyOfAddress(right);
}

function shuffled<Item>(items: readonly Item[]): Item[] {
  return items
    .map((item) => ({ item, order: Math.random() }))
    .sort((left, right) => left.order - right.order)
    .map(({ item }) => item);
}

function ignore(): undefined {}
