import type {
  Driver,
  DriverLimits,
  DriverRequest,
  Fault,
  ItemFault,
  KeysRequest,
  ListAnswer,
  ListRequest,
  ReadAnswer,
  SetRequest,
  WriteAnswer,
} from "@manykv/core";
import { classify } from "../classify.js";
import { faultOfReply } from "../error-table.js";
import { FaultError } from "../fault-error.js";
import { clusterLimits } from "../limits.js";
import { encodeCommand } from "../protocol/encode-command.js";
import type { ReplicaWait } from "../replica-wait.js";
import { isAcknowledgement, isCount, isValue, valuesOf } from "../replies.js";
import { ClusterBatch, type Question } from "./cluster-batch.js";
import { listCluster } from "./cluster-list.js";
import type { Topology } from "./topology.js";

/** A cluster: one command for each key, one round trip for each master. */
export class ClusterDriver implements Driver {
  readonly name = "redis";
  readonly limits: DriverLimits = clusterLimits;
  readonly #topology: Topology;

  readonly #wait: ReplicaWait | undefined;

  constructor(topology: Topology, wait: ReplicaWait | undefined) {
    this.#topology = topology;
    this.#wait = wait;
  }

  async get(request: KeysRequest): Promise<ReadAnswer<Uint8Array | undefined>> {
    const { replies, faults } = await this.#run(request, { command: "GET", expects: isValue });
    // A reply that is no value is a fault already, and has none here.
    return { values: valuesOf(replies) ?? [], faults };
  }

  async exists(request: KeysRequest): Promise<ReadAnswer<boolean>> {
    const { replies, faults } = await this.#run(request, { command: "EXISTS", expects: isCount });
    return { values: replies.map((reply) => Number(reply) === 1), faults };
  }

  async set(request: SetRequest): Promise<WriteAnswer> {
    const { values } = request;
    const expects = isAcknowledgement;
    const { faults } = await this.#run(request, { command: "SET", values, expects, wait: this.#wait });
    return { faults };
  }

  async delete(request: KeysRequest): Promise<WriteAnswer> {
    const expects = isAcknowledgement;
    const { faults } = await this.#run(request, { command: "DEL", expects, wait: this.#wait });
    return { faults };
  }

  list(request: ListRequest): Promise<ListAnswer> {
    return listCluster(this.#topology, request);
  }

  async provision(request: DriverRequest): Promise<void> {
    const map = await this.#topology.freshSlots(request);
    await Promise.all(
      map.masters.map(async ({ address }) => {
        const connection = await this.#topology.nodeAt(address).connection(request);
        const { replies, fault } = await connection.send(request, "ping", ping, 1);
        const [reply] = replies;
        if (reply instanceof Error) throw new FaultError(faultOfReply(reply));
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

  async #run(
    request: KeysRequest,
    question: Question,
  ): Promise<Pick<ClusterBatch, "replies"> & { readonly faults: readonly ItemFault[] | undefined }> {
    const { replies, faults } = await new ClusterBatch(this.#topology, request, question).run();
    if (faults.size === 0) return { replies, faults: undefined };
    return { replies, faults: Array.from(faults, ([index, fault]) => ({ ...fault, index })) };
  }
}

const ping = encodeCommand("PING");
