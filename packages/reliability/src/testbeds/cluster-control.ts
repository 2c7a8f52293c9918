import type { Address } from "@manykv/conformance/faults";
import { Redis } from "ioredis";

/** A node as `CLUSTER NODES` describes it. */
export interface NodeView {
  readonly id: string;
  readonly address: Address;
  readonly role: "master" | "replica";
  /** Id of a replica's master. */
  readonly masterId: string | undefined;
  readonly failed: boolean;
  /** Whether it has slots. */
  readonly serves: boolean;
}

/** An administrator's connections to the nodes of a cluster. */
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
    if (client === undefined) throw new RangeError("ClusterControl.at: the address is not among the nodes");
    return client;
  }

  /** Returns the nodes as one of them sees them. */
  async nodes(seenBy: Address): Promise<NodeView[]> {
    const text = String(await this.at(seenBy).call("CLUSTER", "NODES"));
    return text.trim().split("\n").map(parseNode);
  }

  /** Waits until each of `viewers` sees nodes that `fits` accepts. */
  async until(viewers: readonly Address[], fits: (nodes: readonly NodeView[]) => boolean): Promise<void> {
    if (await this.within(120_000, viewers, fits)) return;
    const views = await Promise.all(viewers.map((viewer) => this.nodes(viewer)));
    throw new Error(`the cluster did not reach the expected state: ${JSON.stringify(views[0])}`);
  }

  /** Returns whether each of `viewers` sees nodes that `fits` accepts within `milliseconds`. */
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

  /** Returns whether each replica is connected to its master and up to date. */
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
