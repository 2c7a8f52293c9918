import { FaultError, type ListAnswer, type PageRequest } from "@manykv/core/driver";
import type { Connection } from "../connection/connection.js";
import { faultOfReply } from "../error-table.js";
import type { Wanted } from "../key-names.js";
import { encodeScan, fillPage, keysOfScan } from "../listing/scan.js";
import { encodeCommand } from "../protocol/encode-command.js";
import { type Reply, textOf } from "../protocol/reply.js";
import { type ReplyLimits, scanReply, textReply } from "../protocol/reply-limits.js";
import { decodeProgress, encodeProgress } from "./listing-cursor.js";
import { type Arrival, ListingState, type NodeScan } from "./listing-state.js";
import type { Address } from "./node-address.js";
import { type NodeView, parseNodeView } from "./node-view.js";
import type { Master, SlotMap } from "./slot-map.js";
import { SlotSet } from "./slot-set.js";
import type { Topology } from "./topology.js";

const clusterNodes = encodeCommand("CLUSTER", "NODES");

/** Returns one page of keys. Sends `SCAN` commands to one master after another until {@link fillPage} ends the page. */
export async function listCluster(topology: Topology, request: PageRequest, wanted: Wanted): Promise<ListAnswer> {
  const { cursor } = request;
  const { scope } = wanted;
  const state = new ListingState(cursor === undefined ? undefined : decodeProgress(scope, cursor));
  const lister = new Lister(topology, request, wanted);
  const { keys, done } = await fillPage(request, async () => ({
    keys: await lister.step(state),
    done: state.done,
  }));
  return done ? { keys } : { keys, cursor: encodeProgress(scope, state.progress) };
}

interface Continued extends Reached {
  readonly scan: NodeScan;
}

/** A node and a connection to it. */
interface Reached {
  readonly address: Address;
  readonly connection: Connection;
}

class Lister {
  readonly #topology: Topology;
  readonly #request: PageRequest;
  readonly #wanted: Wanted;
  /** Addresses of nodes that are not in the slot map, by node id. */
  readonly #addresses: Map<string, Address> = new Map();

  constructor(topology: Topology, request: PageRequest, wanted: Wanted) {
    this.#topology = topology;
    this.#request = request;
    this.#wanted = wanted;
  }

  /** Sends one `SCAN`. Also sends `CLUSTER NODES` before the first and after the last `SCAN` of a master. */
  async step(state: ListingState): Promise<readonly string[]> {
    const { scan, address, connection } = await this.#continue(state);
    const command = encodeScan(this.#wanted, scan.cursor);
    const { keys, cursor } = await this.#send(connection, command, scanReply, (reply) =>
      keysOfScan(this.#wanted, scan.cursor, reply),
    );
    if (cursor === "0") state.finish(await this.#look(connection, address));
    else state.advance(cursor);
    return keys;
  }

  /** Continues the scan in progress. Begins a scan if none is in progress, or if its node is down or was restarted. */
  async #continue(state: ListingState): Promise<Continued> {
    const map = await this.#topology.slots(this.#request);
    const { scan } = state;
    if (scan !== undefined) {
      const reached = await this.#reach(scan.id, map).catch(() => undefined);
      if (reached !== undefined && reached.connection.identity.process === scan.process) return { scan, ...reached };
      state.abandon();
    }
    return this.#begin(state, map);
  }

  async #begin(state: ListingState, map: SlotMap): Promise<Continued> {
    const arrival = state.nextArrival();
    if (state.open.empty && arrival !== undefined) {
      const begun = await this.#beginArrival(state, arrival, map);
      if (begun !== undefined) return begun;
    }
    const begun = await this.#tryBegin(state, this.#masterOf(state.open, map));
    if (begun === undefined) throw this.#changed();
    return begun;
  }

  async #beginArrival(state: ListingState, arrival: Arrival, map: SlotMap): Promise<Continued | undefined> {
    try {
      const address = await this.#addressOf(arrival.id, map, arrival.from);
      const begun = address && (await this.#tryBegin(state, address));
      if (begun === undefined) state.reopen(arrival);
      return begun;
    } catch (error) {
      // The node cannot be reached, so only its slots that another node has taken over can be listed.
      const taken = new SlotSet();
      for (const slot of arrival.slots) {
        const owner = map.masters[map.ownerOf(slot)]?.id;
        if (owner !== undefined && owner !== arrival.id && owner !== arrival.from) taken.add(slot);
      }
      if (taken.empty) throw error;
      state.reopen(arrival, taken);
      return undefined;
    }
  }

  async #tryBegin(state: ListingState, address: Address): Promise<Continued | undefined> {
    const connection = await this.#connect(address);
    const view = await this.#look(connection, address);
    state.begin(view, connection.identity.process);
    return state.scan && { scan: state.scan, address, connection };
  }

  async #reach(id: string, map: SlotMap): Promise<Reached | undefined> {
    const address = await this.#addressOf(id, map);
    return address && { address, connection: await this.#connect(address) };
  }

  /**
   * Returns a node's address, or `undefined` if the cluster does not know the node. For a node without slots, which the
   * slot map does not contain, sends `CLUSTER NODES` to a master: to the node `from` if it is a master.
   */
  async #addressOf(id: string, map: SlotMap, from?: string): Promise<Address | undefined> {
    const named = find(map, id)?.address ?? this.#addresses.get(id);
    if (named !== undefined) return named;
    const { address } = find(map, from) ?? (map.masters[0] as Master);
    const seen = (await this.#look(await this.#connect(address), address)).node(id);
    if (seen === undefined) return undefined;
    const translated = this.#topology.translate(seen.address);
    this.#addresses.set(id, translated);
    return translated;
  }

  #masterOf(slots: SlotSet, map: SlotMap): Address {
    for (const slot of slots) {
      const master = map.masters[map.ownerOf(slot)];
      if (master !== undefined) return master.address;
      break;
    }
    throw this.#changed();
  }

  async #look(connection: Connection, address: Address): Promise<NodeView> {
    const view = parseNodeView(await this.#send(connection, clusterNodes, textReply, textOf), address);
    if (view === undefined) throw this.#changed();
    return view;
  }

  /** Sends a command and parses its reply. `parse` returns `undefined` for a reply to another command. */
  async #send<Result>(
    connection: Connection,
    command: Buffer,
    limits: ReplyLimits,
    parse: (reply: Reply | undefined) => Result | undefined,
  ): Promise<Result> {
    const exchange = await connection.send(this.#request, command, 1, { limits });
    const [reply] = exchange.replies;
    const fault = reply instanceof Error ? faultOfReply(reply) : connection.faultOf(exchange);
    if (fault !== undefined) throw this.#failed(new FaultError(fault));
    const result = parse(reply);
    if (result === undefined) throw this.#failed(new FaultError(connection.desynchronized(exchange)));
    return result;
  }

  async #connect(address: Address): Promise<Connection> {
    const node = this.#topology.nodeAt(address);
    try {
      return node.current ?? (await node.connect(this.#request));
    } catch (error) {
      throw this.#failed(error);
    }
  }

  #failed(error: unknown): unknown {
    this.#topology.markStale();
    return error;
  }

  /** Returns the error for a cluster that has changed. Core retries the request. The retry loads a new slot map. */
  #changed(): unknown {
    return this.#failed(new FaultError({ code: "unavailable", retryable: true, effect: "none" }));
  }
}

function find({ masters }: SlotMap, id: string | undefined): Master | undefined {
  return masters.find((master) => master.id === id);
}
