import { type Fault, FaultError, type KeysRequest } from "@manykv/core/driver";
import { faultOfReply } from "../error-table.js";
import { bucketPrefix } from "../key-names.js";
import type { Reply } from "../protocol/reply.js";
import { type ReplyLimits, shortReply } from "../protocol/reply-limits.js";
import { checksum, slotOfKey } from "./key-slot.js";
import { type Address, keyOfAddress, parseRedirection } from "./node-address.js";
import type { SlotMap } from "./slot-map.js";
import type { Topology } from "./topology.js";

/** The keys of a request that are sent to one node in one write. */
interface Part {
  readonly address: Address;
  readonly asking: boolean;
  readonly indexes: number[];
}

const redirected: Fault = Object.freeze({ code: "unavailable", retryable: true, effect: "none" });
const replaced: Fault = Object.freeze({ code: "connection-lost", retryable: true, effect: "unknown" });
const unserved: Fault = Object.freeze({ ...redirected, reason: "CLUSTERDOWN" });

/** The command that is sent for each key of a batch, and a check of its reply. */
export interface CommandSpec {
  /** Encodes the commands of the keys at `indexes`, each after `ASKING` if `asking`. */
  readonly encode: (indexes: readonly number[], asking: boolean) => Buffer;
  /** Returns whether a reply fits the command. */
  readonly expects: (reply: Reply) => boolean;
  /** Whether the command changes data. Default: false. */
  readonly writes?: boolean;
  /** Returns what the replies for this number of keys may cost. Default: {@link shortReply}. */
  readonly limits?: (keys: number) => ReplyLimits;
}

/** Sends one command per key of a request: one write and one round trip per master, plus those of redirections. */
export class ClusterBatch {
  /** The reply for each key, by the key's index in the request. Not meaningful for the keys in `faults`. */
  readonly replies: Reply[];
  readonly faults: Map<number, Fault> = new Map();
  readonly #topology: Topology;
  readonly #request: KeysRequest;
  readonly #spec: CommandSpec;
  readonly #prefix: string;
  #redirections: Map<string, Part> = new Map();
  /** The parts of a write that were answered, each with the generation of the cluster at that time. */
  readonly #answered: { readonly generation: number; readonly indexes: readonly number[] }[] = [];

  constructor(topology: Topology, request: KeysRequest, spec: CommandSpec) {
    this.#topology = topology;
    this.#request = request;
    this.#spec = spec;
    this.#prefix = bucketPrefix(request.bucket);
    this.replies = new Array<Reply>(request.keys.length).fill(null);
  }

  /** Sends each command to its key's master. Follows one redirection. Core retries keys that are redirected twice. */
  async run(): Promise<this> {
    const map = this.#topology.current ?? (await this.#topology.slots(this.#request));
    const parts = this.#divide(map);
    if (parts.length === 1) await this.#send(parts[0] as Part);
    else await Promise.all(parts.map((part) => this.#send(part)));
    if (this.#redirections.size > 0) await this.#follow();
    this.#findLost();
    return this;
  }

  /** Adds faults for keys that a master acknowledged before it was replaced, while this batch waited for others. */
  #findLost(): void {
    const { lostSlots } = this.#topology;
    for (const { generation, indexes } of this.#answered) {
      if (generation === lostSlots.generation) continue;
      const start = checksum(Buffer.from(this.#prefix));
      const lost = indexes.filter((index) =>
        lostSlots.hasSince(generation, slotOfKey(start, this.#request.keys[index] as string)),
      );
      this.#fail(lost, replaced);
    }
  }

  async #follow(): Promise<void> {
    const parts = [...this.#redirections.values()];
    this.#redirections = new Map();
    await Promise.all(parts.map((part) => this.#send(part)));
    for (const { indexes } of this.#redirections.values()) this.#fail(indexes, redirected);
  }

  /** Groups the keys by the master that serves them. Adds the keys of slots without a master to `faults`. */
  #divide(map: SlotMap): readonly Part[] {
    const { keys } = this.#request;
    const start = checksum(Buffer.from(this.#prefix));
    const parts = new Array<Part | undefined>(map.masters.length);
    for (let index = 0; index < keys.length; index++) {
      const owner = map.ownerOf(slotOfKey(start, keys[index] as string));
      const master = map.masters[owner];
      if (master === undefined) {
        this.#topology.markStale();
        this.faults.set(index, unserved);
        continue;
      }
      const part = parts[owner];
      if (part === undefined) parts[owner] = { address: master.address, asking: false, indexes: [index] };
      else part.indexes.push(index);
    }
    return parts.filter((part) => part !== undefined);
  }

  async #send(part: Part): Promise<void> {
    const { address, asking, indexes } = part;
    const { encode, writes = false, limits } = this.#spec;
    try {
      const node = this.#topology.nodeAt(address);
      const connection = writes
        ? (node.writable ?? (await node.connectToWrite(this.#request)))
        : (node.current ?? (await node.connect(this.#request)));
      const repliesPerKey = asking ? 2 : 1;
      const exchange = await connection.send(this.#request, encode(indexes, asking), indexes.length * repliesPerKey, {
        limits: limits?.(indexes.length) ?? shortReply,
        writes,
      });
      const answered = Math.floor(exchange.replies.length / repliesPerKey);
      if (writes) this.#answered.push({ generation: this.#topology.lostSlots.generation, indexes });
      const fits = this.#enter(part, exchange.replies, repliesPerKey);
      const fault = fits ? connection.faultOf(exchange) : connection.desynchronized(exchange);
      if (fault === undefined) return;
      this.#fail(fits ? indexes.slice(answered) : indexes, fault);
      if (fits) this.#topology.markStale();
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      this.#topology.markStale();
      this.#fail(indexes, error.fault);
    }
  }

  /** Stores the replies that have arrived. Returns `false` if a reply does not fit its command. */
  #enter({ indexes, address }: Part, replies: readonly Reply[], repliesPerKey: number): boolean {
    for (let each = 0; (each + 1) * repliesPerKey <= replies.length; each++) {
      const index = indexes[each] as number;
      const reply = replies[(each + 1) * repliesPerKey - 1] as Reply;
      if (reply instanceof Error) this.#enterError(index, reply, address);
      else if (this.#spec.expects(reply)) this.replies[index] = reply;
      else return false;
    }
    return true;
  }

  #enterError(index: number, error: Error, answering: Address): void {
    const redirection = parseRedirection(error, answering);
    if (redirection === undefined) {
      const fault = faultOfReply(error);
      if (fault.code === "unavailable") this.#topology.markStale();
      this.faults.set(index, fault);
      return;
    }
    const address = this.#topology.translate(redirection.address);
    const { asking } = redirection;
    if (!asking) this.#topology.applyMoved(redirection.slot, address);
    const key = `${asking} ${keyOfAddress(address)}`;
    const part = this.#redirections.get(key);
    if (part === undefined) this.#redirections.set(key, { address, asking, indexes: [index] });
    else part.indexes.push(index);
  }

  #fail(indexes: readonly number[], fault: Fault): void {
    for (const index of indexes) this.faults.set(index, fault);
  }
}
