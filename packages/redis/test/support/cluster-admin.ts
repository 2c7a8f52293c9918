import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "ioredis";

interface Address {
  readonly host: string;
  readonly port: number;
}

/** A cluster node and a connection to it. */
export interface AdminNode extends Address {
  readonly id: string;
  readonly redis: Redis;
}

/** Changes a cluster with the commands that operators use. */
export class ClusterAdmin implements AsyncDisposable {
  readonly nodes: readonly AdminNode[];

  private constructor(nodes: readonly AdminNode[]) {
    this.nodes = nodes;
  }

  static async connect(addresses: readonly Address[]): Promise<ClusterAdmin> {
    const nodes = addresses.map(async ({ host, port }) => {
      const redis = new Redis({ host, port, retryStrategy: () => 50, maxRetriesPerRequest: null });
      redis.on("error", () => {});
      return { host, port, redis, id: String(await redis.call("CLUSTER", "MYID")) };
    });
    return new ClusterAdmin(await Promise.all(nodes));
  }

  async masters(): Promise<AdminNode[]> {
    const ports = (await this.#slots()).map(([, , [, port]]) => port);
    return this.nodes.filter((node) => ports.includes(node.port));
  }

  async replicas(): Promise<AdminNode[]> {
    const masters = await this.masters();
    return this.nodes.filter((node) => !masters.includes(node));
  }

  /** Returns the master that a replica copies. */
  async masterOf(replica: AdminNode): Promise<AdminNode | undefined> {
    const port = /^master_port:(\d+)/m.exec(await replica.redis.info("replication"))?.[1];
    return this.nodes.find((node) => node.port === Number(port));
  }

  async ownerOf(slot: number): Promise<AdminNode> {
    return (await this.owners())(slot);
  }

  /** Returns a function that returns the master that served a slot when `owners` was called. */
  async owners(): Promise<(slot: number) => AdminNode> {
    const slots = await this.#slots();
    return (slot) => {
      const [, , [, port]] = slots.find(([from, to]) => from <= slot && slot <= to) ?? [0, 0, ["", 0]];
      const owner = this.nodes.find((node) => node.port === port);
      if (owner === undefined) throw new Error(`slot ${slot} must have a master, but has none`);
      return owner;
    };
  }

  async slotOf(name: string): Promise<number> {
    return Number(await this.first.redis.call("CLUSTER", "KEYSLOT", name));
  }

  get first(): AdminNode {
    const [node] = this.nodes;
    if (node === undefined) throw new Error("the cluster must have at least one node, but has none");
    return node;
  }

  /** Sets the slot to `IMPORTING` on the target node, then to `MIGRATING` on the source node. */
  async beginMove(slot: number, from: AdminNode, to: AdminNode): Promise<void> {
    await to.redis.call("CLUSTER", "SETSLOT", slot, "IMPORTING", from.id);
    await from.redis.call("CLUSTER", "SETSLOT", slot, "MIGRATING", to.id);
  }

  /** Moves up to `count` keys of a slot. Returns the number of moved keys. */
  async moveKeys(slot: number, from: AdminNode, to: AdminNode, count: number): Promise<number> {
    const names = await from.redis.callBuffer("CLUSTER", "GETKEYSINSLOT", slot, count);
    const keys = names as Buffer[];
    if (keys.length > 0) await from.redis.call("MIGRATE", to.host, to.port, "", 0, 5_000, "KEYS", ...keys);
    return keys.length;
  }

  /**
   * Makes the target node the owner of the slot. Then waits until all masters know the newest configuration epoch. Without
   * this wait, two masters may choose the same epoch one after the other, and Redis may delete keys of a moved slot.
   */
  async endMove(slot: number, to: AdminNode): Promise<void> {
    await to.redis.call("CLUSTER", "SETSLOT", slot, "NODE", to.id);
    const masters = await this.masters();
    for (const node of masters) await node.redis.call("CLUSTER", "SETSLOT", slot, "NODE", to.id);
    while (new Set(await Promise.all(masters.map(newestEpoch))).size > 1) await pause(5);
  }

  async move(slot: number, from: AdminNode, to: AdminNode): Promise<void> {
    await this.beginMove(slot, from, to);
    while ((await this.moveKeys(slot, from, to, 10)) > 0);
    await this.endMove(slot, to);
  }

  /** Makes a replica the master. Retries, because nodes on a busy machine may cancel a failover after five seconds. */
  async promote(replica: AdminNode): Promise<void> {
    for (;;) {
      await replica.redis.call("CLUSTER", "FAILOVER");
      for (let wait = 0; wait < 120; wait++) {
        if ((await this.masters()).includes(replica)) return;
        await pause(50);
      }
    }
  }

  /** Returns how many times a node has run a command. */
  async calls({ redis }: AdminNode, command: string): Promise<number> {
    const stats = await redis.info("commandstats");
    return Number(new RegExp(`^cmdstat_${command}:calls=(\\d+)`, "m").exec(stats)?.[1] ?? 0);
  }

  /** Returns how many times a node has read from its connections. */
  async reads({ redis }: AdminNode): Promise<number> {
    return Number(/total_reads_processed:(\d+)/.exec(await redis.info("stats"))?.[1]);
  }

  async #slots(): Promise<[from: number, to: number, master: [host: string, port: number]][]> {
    return (await this.first.redis.call("CLUSTER", "SLOTS")) as never;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { redis } of this.nodes) redis.disconnect();
  }
}

async function newestEpoch({ redis }: AdminNode): Promise<string | undefined> {
  return /cluster_current_epoch:(\d+)/.exec(String(await redis.call("CLUSTER", "INFO")))?.[1];
}
