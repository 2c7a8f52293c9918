import type { Address } from "@manykv/conformance/faults";
import { Redis } from "ioredis";

/** A node as `CLUSTER NODES` describes it. */
export interface NodeView {
  readonly id: string;
  readonly address: Address;
  readonly role: "master" | "replica";
  /** Id of the replica's master. Undefined if the node is a master. */
  readonly masterId: string | undefined;
  readonly failed: boolean;
  /** Whether the node has slots. */
  readonly serves: boolean;
}

/** Connections to all nodes of a cluster, to send administration commands. */
export class ClusterControl {
  readonly #clients: ReadonlyMap<string, Redis>;

  constructor(addresses: readonly Address[]) {
    this.#clients = new Map(
      addresses.map(({ host, port }) => {
        const client = new Redis({ host, port, maxRetriesPerRequest: null, retryStrategy: () => 50 });
        client.on("error", () => {});
        return [`${host}:${port}`, client];
      }),
    );
  }

  at({ host, port }: Address): Redis {
    const client = this.#clients.get(`${host}:${port}`);
    if (client === undefined)
      throw new RangeError("ClusterControl.at: the address must be one of those that the constructor received");
    return client;
  }

  /** Returns all nodes of the cluster, as the node at `seenBy` describes them. */
  async nodes(seenBy: Address): Promise<NodeView[]> {
    const text = String(await this.at(seenBy).call("CLUSTER", "NODES"));
    return text.trim().split("\n").map(parseNode);
  }

  /** Waits until `fits` accepts every viewer's description of the nodes. Rejects after 2 minutes. */
  async until(viewers: readonly Address[], fits: (nodes: readonly NodeView[]) => boolean): Promise<void> {
    if (await this.within(120_000, viewers, fits)) return;
    const views = await Promise.all(viewers.map((viewer) => this.nodes(viewer)));
    throw new Error(
      `ClusterControl.until: the cluster must reach the expected state within 2 minutes, but is ${JSON.stringify(views[0])}`,
    );
  }

  /** Like `until`, but resolves with `false` if `fits` does not accept the nodes within `milliseconds`. */
  async within(
    milliseconds: number,
    viewers: readonly Address[],
    fits: (nodes: readonly NodeView[]) => boolean,
  ): Promise<boolean> {
    const deadline = performance.now() + milliseconds;
    while (performance.now() < deadline) {
      const views = await Promise.all(viewers.map((viewer) => this.nodes(viewer)));
      if (views.every(fits)) return true;
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
    return false;
  }

  /** Returns whether each replica is connected to its master and has finished its initial synchronization. */
  async replicasInStep(): Promise<boolean> {
    const texts = await Promise.all([...this.#clients.values()].map((client) => client.info("replication")));
    return texts.every((text) => /role:master|master_link_status:up/.test(text));
  }

  close(): void {
    for (const client of this.#clients.values()) client.disconnect();
  }
}

function parseNode(line: string): NodeView {
  const [id = "", address = "", flags = "", master = "-", , , , , ...slots] = line.split(" ");
  const [host = "", port = ""] = (address.split("@")[0] ?? "").split(":");
  return {
    id,
    address: { host, port: Number(port) },
    role: flags.includes("master") ? "master" : "replica",
    masterId: master === "-" ? undefined : master,
    failed: flags.includes("fail"),
    serves: slots.length > 0,
  };
}
