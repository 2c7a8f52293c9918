import type { ListAnswer, ListRequest } from "@manykv/core";
import type { Connection } from "../connection/connection.js";
import { faultOfReply } from "../error-table.js";
import { FaultError } from "../fault-error.js";
import { fillPage } from "../listing/fill-page.js";
import { encodeScan, keysOfScan } from "../listing/scan.js";
import { encodeCommand } from "../protocol/encode-command.js";
import type { Reply } from "../protocol/exchange.js";
import { textOf } from "../replies.js";
import { decodeProgress, encodeProgress } from "./listing-cursor.js";
import { type Arrival, ListingState, type NodeScan } from "./listing-state.js";
import type { Address } from "./node-address.js";
import { type NodeView, parseNodeView } from "./node-view.js";
import type { SlotMap } from "./slot-map.js";
import { SlotSet } from "./slot-set.js";
import type { Topology } from "./topology.js";

const question = encodeCommand("CLUSTER", "NODES");

/** One page: a few `SCAN`s of one master after the other. */
export async function listCluster(topology: Topology, request: ListRequest): Promise<ListAnswer> {
  const { bucket, cursor } = request;
  const state = new ListingState(cursor === undefined ? undefined : decodeProgress(bucket, cursor));
  const lister = new Lister(topology, request);
  const { keys, done } = await fillPage(request, async () => ({
    keys: await lister.step(state),
    done: state.done,
  }));
  return done ? { keys } : { keys, cursor: encodeProgress(bucket, state.progress) };
}

interface Continued {
  readonly scan: NodeScan;
  readonly connection: Connection;
}

class Lister {
  readonly #topology: Topology;
  readonly #request: ListRequest;

  constructor(topology: Topology, request: ListRequest) {
    this.#topology = topology;
    this.#request = request;
  }

  /** One `SCAN`, and a look at the cluster where the scan of a master begins or ends. */
  async step(state: ListingState): Promise<readonly string[]> {
    const { scan, connection } = await this.#continue(state);
    const [reply] = await this.#send(connection, "scan", encodeScan(this.#request.bucket, scan.cursor));
    const { keys, cursor } = keysOfScan(this.#request.bucket, reply);
    if (cursor === "0") state.finish(await this.#look(connection, scan.address));
    else state.advance(cursor);
    return keys;
  }

  /** The scan that is under way, or else the next. */
  async #continue(state: ListingState): Promise<Continued> {
    const map = await this.#topology.slots(this.#request);
    const { scan } = state;
    if (scan !== undefined) {
      const connection = await this.#connect(scan.address).catch(() => undefined);
      if (connection !== undefined && connection.identity.runId === scan.process) return { scan, connection };
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
      const begun = await this.#tryBegin(state, this.#addressOf(arrival, map));
      if (begun === undefined) state.reopen(arrival);
      return begun;
    } catch (error) {
      // Of a node that cannot be reached only what another has taken over can be listed.
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
    state.begin(view, address, connection.identity.runId);
    return state.scan && { scan: state.scan, connection };
  }

  #addressOf({ id, address }: Arrival, map: SlotMap): Address {
    return map.masters.find((master) => master.id === id)?.address ?? this.#topology.translate(address);
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
    const [reply] = await this.#send(connection, "cluster", question);
    const view = parseNodeView(textOf(reply) ?? "", address);
    if (view === undefined) throw this.#changed();
    return view;
  }

  async #send(connection: Connection, name: string, bytes: Buffer): Promise<readonly Reply[]> {
    const { replies, fault } = await connection.send(this.#request, name, bytes, 1);
    if (fault !== undefined) throw this.#failed(new FaultError(fault));
    const [reply] = replies;
    if (reply instanceof Error) throw this.#failed(new FaultError(faultOfReply(reply)));
    return replies;
  }

  async #connect(address: Address): Promise<Connection> {
    const node = this.#topology.nodeAt(address);
    try {
      return node.current ?? (await node.connection(this.#request));
    } catch (error) {
      throw this.#failed(error);
    }
  }

  #failed(error: unknown): unknown {
    this.#topology.doubt();
    return error;
  }

  /** The cluster is not as the map has it: core asks again, with a new map. */
  #changed(): unknown {
    return this.#failed(
      new FaultError({
        code: "unavailable",
        retryable: true,
        effect: "none",
        reason: "CLUSTERDOWN",
      }),
    );
  }
}
