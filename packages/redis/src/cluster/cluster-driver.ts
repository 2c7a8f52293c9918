import {
  type Driver,
  type DriverLimits,
  type DriverRequest,
  type Fault,
  FaultError,
  type ItemFault,
  type KeysRequest,
  type ListAnswer,
  type ListRequest,
  type ReadAnswer,
  type ServerAddress,
  type SetRequest,
  type WriteAnswer,
} from "@manykv/core/driver";
import { classify, faultOfReply } from "../error-table.js";
import { clusterLimits } from "../limits.js";
import { encodeCommand } from "../protocol/encode-command.js";
import { isAcknowledgement, isCount, isValue, valuesOf } from "../protocol/reply.js";
import { ClusterBatch } from "./cluster-batch.js";
import { listCluster } from "./cluster-list.js";
import type { Topology } from "./topology.js";

/** The driver for a Redis Cluster. Sends one command per key, with one round trip per master plus redirections. */
export class ClusterDriver implements Driver {
  readonly name = "redis";
  readonly server: ServerAddress | undefined;
  readonly limits: DriverLimits = clusterLimits;
  readonly #topology: Topology;

  constructor(topology: Topology, server: ServerAddress | undefined) {
    this.#topology = topology;
    this.server = server;
  }

  async get(request: KeysRequest): Promise<ReadAnswer<Uint8Array<ArrayBuffer> | undefined>> {
    const batch = new ClusterBatch(this.#topology, request, { command: "GET", expects: isValue });
    const { replies, faults } = await batch.run();
    // If a reply is not a value, its key is in `faults` and the reply is `null` here.
    return { values: valuesOf(replies) ?? [], faults: itemFaults(faults) };
  }

  async exists(request: KeysRequest): Promise<ReadAnswer<boolean>> {
    const batch = new ClusterBatch(this.#topology, request, { command: "EXISTS", expects: isCount });
    const { replies, faults } = await batch.run();
    return { values: replies.map((reply) => reply === 1), faults: itemFaults(faults) };
  }

  async set(request: SetRequest): Promise<WriteAnswer> {
    const { values } = request;
    const spec = { command: "SET", values, expects: isAcknowledgement } as const;
    const { faults } = await new ClusterBatch(this.#topology, request, spec).run();
    return { faults: itemFaults(faults) };
  }

  async delete(request: KeysRequest): Promise<WriteAnswer> {
    const spec = { command: "DEL", expects: isAcknowledgement } as const;
    const { faults } = await new ClusterBatch(this.#topology, request, spec).run();
    return { faults: itemFaults(faults) };
  }

  list(request: ListRequest): Promise<ListAnswer> {
    return listCluster(this.#topology, request);
  }

  /** Checks that every master responds. Redis needs no preparation. */
  async provision(request: DriverRequest): Promise<void> {
    const map = await this.#topology.freshSlots(request);
    await Promise.all(
      map.masters.map(async ({ address }) => {
        const connection = await this.#topology.nodeAt(address).connect(request);
        const exchange = await connection.send(request, ping, 1);
        const [reply] = exchange.replies;
        const fault = reply instanceof Error ? faultOfReply(reply) : connection.faultOf(exchange);
        if (fault !== undefined) throw new FaultError(fault);
      }),
    );
  }

  async close(): Promise<void> {
    this.#topology.close();
  }

  classify(error: unknown): Fault {
    return classify(error);
  }
}

const ping = encodeCommand("PING");

function itemFaults(faults: ReadonlyMap<number, Fault>): readonly ItemFault[] | undefined {
  if (faults.size === 0) return undefined;
  return Array.from(faults, ([index, fault]) => ({ ...fault, index }));
}
