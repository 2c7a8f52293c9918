import type { SwapResult } from "@manykv/core";
import {
  type BucketsAnswer,
  type Driver,
  type DriverDescription,
  type DriverLimits,
  type DriverRequest,
  type Fault,
  FaultError,
  type IncrementRequest,
  type ItemFault,
  type KeysRequest,
  keyExists,
  type ListAnswer,
  type ListRequest,
  type PageRequest,
  type ReadAnswer,
  type ServerAddress,
  type SetRequest,
  type SwapRequest,
  type WriteAnswer,
} from "@manykv/core/driver";
import { combine, describeNode } from "../describe.js";
import { classify, faultOfReply } from "../error-table.js";
import { allBuckets, bucketPrefix, keysOf } from "../key-names.js";
import { clusterLimits } from "../limits.js";
import {
  type EachOptions,
  encodeCommand,
  encodeEach,
  type KeyCommand,
  Tail,
  tailsOf,
} from "../protocol/encode-command.js";
import {
  isCount,
  isCountUpTo,
  isInteger,
  isIntegerText,
  isOk,
  isOkOrNull,
  isSwapReply,
  isValue,
  type Reply,
  remainingTime,
  swapResultOf,
  textOf,
} from "../protocol/reply.js";
import { type ReplyLimits, valuesReply } from "../protocol/reply-limits.js";
import { encodeExpiringIncrement, encodeSwap } from "../protocol/scripts.js";
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

  async ttl(request: KeysRequest): Promise<ReadAnswer<number | null | undefined>> {
    const { replies, faults } = await this.#run(request, { command: "PTTL", expects: isCount });
    return { values: replies.map((reply) => remainingTime(reply as number)), faults: itemFaults(faults) };
  }

  async set(request: SetRequest): Promise<WriteAnswer> {
    const { values, ttls } = request;
    const tailOf = ttls && tailsOf(ttls, false);
    const { faults } = await this.#run(request, { command: "SET", values, tailOf, expects: isOk, writes: true });
    return { faults: itemFaults(faults) };
  }

  async setIfAbsent(request: SetRequest): Promise<WriteAnswer> {
    const { values, ttls } = request;
    const tailOf = tailsOf(ttls, true);
    const expects = isOkOrNull;
    const { replies, faults } = await this.#run(request, { command: "SET", values, tailOf, expects, writes: true });
    for (const [index, reply] of replies.entries()) {
      if (reply === null && !faults.has(index)) faults.set(index, keyExists);
    }
    return { faults: itemFaults(faults) };
  }

  async delete(request: KeysRequest): Promise<WriteAnswer> {
    const { faults } = await this.#run(request, { command: "DEL", expects: isZeroOrOne, writes: true });
    return { faults: itemFaults(faults) };
  }

  async increment(request: IncrementRequest): Promise<bigint> {
    const { bucket, key, delta, ttl } = request;
    if (ttl !== undefined) {
      const encode = (_: unknown, asking: boolean): Buffer =>
        encodeExpiringIncrement(bucketPrefix(bucket) + key, delta, ttl, asking);
      return BigInt(textOf(await this.#runOne(request, { encode, expects: isIntegerText, writes: true })) as string);
    }
    const tail = new Tail(String(delta));
    const encode = (indexes: readonly number[], asking: boolean): Buffer =>
      encodeEach("INCRBY", bucketPrefix(bucket), [key], { indexes, tailOf: () => tail, asking });
    return BigInt((await this.#runOne(request, { encode, expects: isInteger, writes: true })) as number | bigint);
  }

  async compareAndSwap(request: SwapRequest): Promise<SwapResult> {
    const { bucket, key, expected, value } = request;
    const encode = (_: unknown, asking: boolean): Buffer =>
      encodeSwap(bucketPrefix(bucket) + key, expected, value, asking);
    const limits = (): ReplyLimits => valuesReply(1, this.limits.maxValueBytes, false);
    return swapResultOf(await this.#runOne(request, { encode, expects: isSwapReply, limits, writes: true }));
  }

  #run(request: KeysRequest, spec: KeyCommandSpec): Promise<ClusterBatch> {
    const { command, values, tailOf, ...rest } = spec;
    const encode = (indexes: readonly number[], asking: boolean): Buffer =>
      encodeEach(command, bucketPrefix(request.bucket), request.keys, { indexes, values, tailOf, asking });
    return new ClusterBatch(this.#topology, request, { encode, ...rest }).run();
  }

  /** Sends a command for one key. Throws if it fails. */
  async #runOne(request: IncrementRequest | SwapRequest, spec: CommandSpec): Promise<Reply> {
    const { replies, faults } = await new ClusterBatch(this.#topology, request, spec).run();
    const fault = faults.get(0);
    if (fault !== undefined) throw new FaultError(fault);
    return replies[0] as Reply;
  }

  get generation(): number {
    return this.#topology.lostSlots.generation;
  }

  lostSince(generation: number, bucket: string, key: string): boolean {
    const slot = slotOfKey(checksum(Buffer.from(bucketPrefix(bucket))), key);
    return this.#topology.lostSlots.hasSince(generation, slot);
  }

  list(request: ListRequest): Promise<ListAnswer> {
    return listCluster(this.#topology, request, keysOf(request.bucket, request.prefix));
  }

  async listBuckets(request: PageRequest): Promise<BucketsAnswer> {
    const { keys, cursor } = await listCluster(this.#topology, request, allBuckets);
    return { buckets: [...new Set(keys)], cursor };
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
    const map = await this.#topology.freshSlots(request);
    const nodes = map.masters.map(({ address }) => this.#topology.nodeAt(address));
    const descriptions = await Promise.all(nodes.map((node) => describeNode(node, request, { topology: "cluster" })));
    return combine(descriptions, map.countUnowned());
  }

  close(): Promise<void> {
    return this.#topology.close();
  }

  classify(error: unknown): Fault {
    return classify(error);
  }
}

const ping = encodeCommand("PING");

/** A command for each key of a batch, without a script. */
interface KeyCommandSpec extends Omit<CommandSpec, "encode">, Pick<EachOptions, "values" | "tailOf"> {
  readonly command: KeyCommand;
}

/** Returns whether a reply fits `EXISTS` and `DEL` for one key. */
function isZeroOrOne(reply: Reply): boolean {
  return isCountUpTo(1, reply);
}

function itemFaults(faults: ReadonlyMap<number, Fault>): readonly ItemFault[] | undefined {
  if (faults.size === 0) return undefined;
  return Array.from(faults, ([index, fault]) => ({ ...fault, index }));
}
