import type { DriverRequest } from "@manykv/core";
import type { RedisNode } from "../connection/redis-node.js";
import { within } from "../connection/within.js";
import { faultOfReply } from "../error-table.js";
import { FaultError } from "../fault-error.js";
import { encodeCommand } from "../protocol/encode-command.js";
import { type Address, keyOfAddress } from "./node-address.js";
import { parseSlotMap, type SlotMap } from "./slot-map.js";

/** How the nodes of a cluster are found and reached. */
export interface ClusterAccess {
  /** Nodes to ask for the others. */
  seeds(): Promise<readonly Address[]>;
  open(address: Address): RedisNode;
  /** The address under which this process reaches a node. */
  translate(address: Address): Address;
}

/** A node that has not told the slots after this long is not waited for alone, in milliseconds. */
const patience = 500;
/** The whole search may take this long, in milliseconds. */
const longestSearch = 10_000;
/** Redirections ask for a new map at most this often, in milliseconds: each teaches its own slot anyway. */
const calm = 200;

const question = encodeCommand("CLUSTER", "SLOTS");

/** The nodes of a cluster and what each serves, as far as is known. */
export class Topology {
  readonly #access: ClusterAccess;
  readonly #nodes: Map<string, RedisNode> = new Map();
  readonly #writers: Map<string, RedisNode> = new Map();
  #map: SlotMap | undefined;
  #doubtful = false;
  #refreshing: Promise<SlotMap> | undefined;
  #refreshed: number = -Infinity;
  #closed = false;

  constructor(access: ClusterAccess) {
    this.#access = access;
  }

  /** The map, where there is one that nothing spoke against. */
  get current(): SlotMap | undefined {
    return this.#doubtful ? undefined : this.#map;
  }

  /**
   * Waits for a map: asks for one where there is none or the last is in doubt.
   *
   * @throws {FaultError} why no node told it
   */
  async slots(request: DriverRequest): Promise<SlotMap> {
    return this.current ?? within(request, this.#refresh());
  }

  /** A map that was asked for after this call. */
  async freshSlots(request: DriverRequest): Promise<SlotMap> {
    await this.#refreshing?.catch(() => {});
    return within(request, this.#refresh());
  }

  /** @throws {FaultError} `closed` for a search that is still under way when the store is closed */
  nodeAt(address: Address): RedisNode {
    return this.#nodeOf(this.#nodes, address);
  }

  /** Another way to the same node, for writes behind which `WAIT` holds up what comes next. */
  writerAt(address: Address): RedisNode {
    return this.#nodeOf(this.#writers, address);
  }

  translate(address: Address): Address {
    return this.#access.translate(address);
  }

  /** A node said who serves a slot now. The rest of the map may have changed as well. */
  learn(slot: number, address: Address): void {
    const map = this.#map;
    const master = map?.masters.find((each) => keyOfAddress(each.address) === keyOfAddress(address));
    map?.assign(slot, slot, master ?? { id: "", address });
    if (performance.now() - this.#refreshed > calm) this.#refresh().catch(() => {});
  }

  /** A node failed in a way that another may have taken over: the next request asks for a new map first. */
  doubt(): void {
    this.#doubtful = true;
  }

  close(): void {
    this.#closed = true;
    for (const nodes of [this.#nodes, this.#writers]) for (const node of nodes.values()) node.close();
  }

  #nodeOf(nodes: Map<string, RedisNode>, address: Address): RedisNode {
    if (this.#closed) throw new FaultError(closed);
    const key = keyOfAddress(address);
    const known = nodes.get(key);
    if (known !== undefined) return known;
    const node = this.#access.open(address);
    nodes.set(key, node);
    return node;
  }

  #refresh(): Promise<SlotMap> {
    this.#refreshing ??= this.#search().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #search(): Promise<SlotMap> {
    this.#refreshed = performance.now();
    const map = await this.#askAny(await this.#candidates());
    this.#map = map;
    this.#doubtful = false;
    this.#forgetStrangers(map);
    return map;
  }

  /** Masters first, in random order, so that one that is ill does not hold up every search. */
  async #candidates(): Promise<readonly Address[]> {
    const masters = (this.#map?.masters ?? []).map(({ address }) => address);
    const known = [...shuffled(masters), ...shuffled(this.#map?.replicas ?? [])];
    const seeds = await this.#access.seeds();
    const unique = new Map([...known, ...seeds].map((address) => [keyOfAddress(address), address]));
    return [...unique.values()];
  }

  /** Asks one node after the other, each when the one before failed or takes long. The first answer counts. */
  async #askAny(addresses: readonly Address[]): Promise<SlotMap> {
    const controller = new AbortController();
    const deadline = performance.now() + longestSearch;
    const request: DriverRequest = { signal: controller.signal, deadline };
    const expiry = setTimeout(() => controller.abort(), longestSearch);
    const answers: Promise<SlotMap>[] = [];
    try {
      for (const address of addresses) {
        const answer = this.#ask(address, request);
        answers.push(answer);
        const soon = await Promise.race([answer.catch(() => undefined), pause(patience)]);
        if (soon !== undefined) return soon;
      }
      return await Promise.any(answers);
    } catch (error) {
      throw worst(error);
    } finally {
      clearTimeout(expiry);
      controller.abort();
    }
  }

  async #ask(address: Address, request: DriverRequest): Promise<SlotMap> {
    const node = this.nodeAt(address);
    const connection = node.current ?? (await node.connection(request));
    const { replies, fault } = await connection.send(request, "cluster", question, 1);
    if (fault !== undefined) throw new FaultError(fault);
    const [reply] = replies;
    if (reply instanceof Error) throw new FaultError(faultOfReply(reply));
    const map = parseSlotMap(reply, address, (each) => this.#access.translate(each));
    if (map === undefined) throw new FaultError(noSlots);
    return map;
  }

  /** Closes what leads to nodes that the cluster has no more. */
  #forgetStrangers(map: SlotMap): void {
    const addresses = [...map.masters.map(({ address }) => address), ...map.replicas];
    const known = new Set(addresses.map(keyOfAddress));
    for (const nodes of [this.#nodes, this.#writers]) {
      for (const [key, node] of nodes) {
        if (known.has(key) || !node.idle) continue;
        node.close();
        nodes.delete(key);
      }
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

/** Of several nodes' failures the one that will not pass by itself, such as a wrong password. */
function worst(error: unknown): unknown {
  if (!(error instanceof AggregateError)) return error;
  const errors: readonly unknown[] = error.errors;
  const final = errors.find((each) => each instanceof FaultError && !each.fault.retryable);
  return final ?? errors[0] ?? new FaultError(noSlots);
}

function shuffled<Item>(items: readonly Item[]): Item[] {
  return items
    .map((item) => ({ item, order: Math.random() }))
    .sort((left, right) => left.order - right.order)
    .map(({ item }) => item);
}

function pause(milliseconds: number): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds, undefined).unref();
  });
}
