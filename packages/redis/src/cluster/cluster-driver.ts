import {
  type Driver,
  type DriverDescription,
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
import { combine, describeNode } from "../describe.js";
import { classify, faultOfReply } from "../error-table.js";
import { bucketPrefix } from "../key-names.js";
import { clusterLimits } from "../limits.js";
import { encodeCommand } from "../protocol/encode-command.js";
import { isCountUpTo, isOk, isValue, type Reply } from "../protocol/reply.js";
import { valuesReply } from "../protocol/reply-limits.js";
import { ClusterBatch, type CommandSpec } from "./cluster-batch.js";
import { listCluster } from "./cluster-list.js";
import { checksum, slotOfKey } from "./key-slot.js";
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
    const limits = (keys: number) => valuesReply(keys, this.limits.maxValueBytes, false);
    const { replies, faults } = await this.#run(request, { command: "GET", expects: isValue, limits });
    const values = replies.map((reply) => (reply instanceof Uint8Array ? reply : undefined));
    return { values, faults: itemFaults(faults) };
  }

  async exists(request: KeysRequest): Promise<ReadAnswer<boolean>> {
    const { replies, faults } = await this.#run(request, { command: "EXISTS", expects: isZeroOrOne });
    return { values: replies.map((reply) => reply === 1), faults: itemFaults(faults) };
  }

  async set(request: SetRequest): Promise<WriteAnswer> {
    const { values } = request;
    const { faults } = await this.#run(request, { command: "SET", values, expects: isOk, writes: true });
    return { faults: itemFaults(faults) };
  }

  async delete(request: KeysRequest): Promise<WriteAnswer> {
    const { faults } = await this.#run(request, { command: "DEL", expects: isZeroOrOne, writes: true });
    return { faults: itemFaults(faults) };
  }

  #run(request: KeysRequest, spec: CommandSpec): Promise<ClusterBatch> {
    return new ClusterBatch(this.#topology, request, spec).run();
  }

  get generation(): number {
    return this.#topology.lostSlots.generation;
  }

  lostSince(generation: number, bucket: string, key: string): boolean {
    const slot = slotOfKey(checksum(Buffer.from(bucketPrefix(bucket))), key);
    return this.#topology.lostSlots.hasSince(generation, slot);
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

  async describe(request: DriverRequest): Promise<DriverDescription> {
    const map = await this.#topology.slots(request);
    const nodes = map.masters.map(({ address }) => this.#topology.nodeAt(address));
    return combine(await Promise.all(nodes.map((node) => describeNode(node, request, "cluster"))));
  }

  close(): Promise<void> {
    return this.#topology.close();
  }

  classify(error: unknown): Fault {
    return classify(error);
  }
}

const ping = encodeCommand("PING");

/** Returns whether a reply fits `EXISTS` and `DEL` for one key. */
function isZeroOrOne(reply: Reply): boolean {
  return isCountUpTo(1, reply);
}

function itemFaults(faults: ReadonlyMap<number, Fault>): readonly ItemFault[] | undefined {
  if (faults.size === 0) return undefined;
  return Array.from(faults, ([index, fault]) => ({ ...fault, index }));
}
