import type { Fault, KeysRequest } from "@manykv/core";
import { faultOfReply } from "../error-table.js";
import { FaultError } from "../fault-error.js";
import { bucketPrefix } from "../keys.js";
import { encodeEach, type KeyCommand } from "../protocol/encode-command.js";
import type { Reply } from "../protocol/exchange.js";
import type { ReplicaWait } from "../replica-wait.js";
import { checksum, slotOfKey } from "./key-slot.js";
import { type Address, keyOfAddress } from "./node-address.js";
import { parseRedirection } from "./redirection.js";
import type { Topology } from "./topology.js";

/** Keys that go to one node together. */
interface Part {
  readonly address: Address;
  readonly asking: boolean;
  readonly indexes: number[];
}

const redirected: Fault = Object.freeze({
  code: "unavailable",
  retryable: true,
  effect: "none",
  reason: "redirected",
});
const unserved: Fault = Object.freeze({ ...redirected, reason: "CLUSTERDOWN" });

/** What is asked of one kind of command. */
export interface Question {
  readonly command: KeyCommand;
  readonly values?: readonly Uint8Array[] | undefined;
  /** Whether a reply is one to the command. */
  readonly expects: (reply: Reply) => boolean;
  /** For writes: stands behind the commands for each node. */
  readonly wait?: ReplicaWait | undefined;
}

/** One command for each key of a request: by master, each master's in one piece, so in one round trip. */
export class ClusterBatch {
  /** By index of the request. Those of faulty keys mean nothing. */
  readonly replies: Reply[];
  readonly faults: Map<number, Fault> = new Map();
  readonly #topology: Topology;
  readonly #request: KeysRequest;
  readonly #question: Question;
  readonly #prefix: string;
  #redirections: Map<string, Part> = new Map();

  constructor(topology: Topology, request: KeysRequest, question: Question) {
    this.#topology = topology;
    this.#request = request;
    this.#question = question;
    this.#prefix = bucketPrefix(request.bucket);
    this.replies = new Array<Reply>(request.keys.length).fill(null);
  }

  /**
   * Sends each key to its master, and those that live elsewhere by now to where they do: one step, as a key that is
   * redirected again is on the move and core repeats it.
   */
  async run(): Promise<this> {
    const parts = await this.#parts();
    if (parts.length === 1) await this.#send(parts[0] as Part);
    else await Promise.all(parts.map((part) => this.#send(part)));
    if (this.#redirections.size > 0) await this.#follow();
    return this;
  }

  async #follow(): Promise<void> {
    const parts = [...this.#redirections.values()];
    this.#redirections = new Map();
    await Promise.all(parts.map((part) => this.#send(part)));
    for (const { indexes } of this.#redirections.values()) this.#fail(indexes, redirected);
  }

  async #parts(): Promise<readonly Part[]> {
    const { keys } = this.#request;
    const map = this.#topology.current ?? (await this.#topology.slots(this.#request));
    const start = checksum(Buffer.from(this.#prefix));
    const parts = new Array<Part | undefined>(map.masters.length);
    for (let index = 0; index < keys.length; index++) {
      const owner = map.ownerOf(slotOfKey(start, keys[index] as string));
      const master = map.masters[owner];
      if (master === undefined) {
        this.#topology.doubt();
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
    const { command, values, wait } = this.#question;
    const node = wait === undefined ? this.#topology.nodeAt(address) : this.#topology.writerAt(address);
    try {
      const connection = node.current ?? (await node.connection(this.#request));
      const commands = encodeEach(command, this.#prefix, this.#request.keys, { indexes, values, asking });
      const bytes = wait === undefined ? commands : Buffer.concat([commands, wait.command]);
      const perKey = asking ? 2 : 1;
      const count = indexes.length * perKey;
      const { replies, fault } = await connection.send(
        this.#request,
        command.toLowerCase(),
        bytes,
        wait === undefined ? count : count + 1,
      );
      const expected = this.#enter(part, replies, perKey);
      const answered = Math.floor(Math.min(replies.length, count) / perKey);
      const lacking = fault ?? wait?.faultOf(replies[count]);
      if (!expected) this.#fail(indexes, connection.outOfStep());
      else if (fault !== undefined) this.#fail(indexes.slice(answered), fault);
      if (wait !== undefined && lacking !== undefined) this.#fail(indexes.filter(this.#isDone), lacking);
      if (fault !== undefined) this.#topology.doubt();
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      this.#topology.doubt();
      this.#fail(indexes, error.fault);
    }
  }

  /** Enters the replies that came. Gives `false` where one is none to the command. */
  #enter({ indexes, address }: Part, replies: readonly Reply[], perKey: number): boolean {
    for (let each = 0; each < indexes.length && (each + 1) * perKey <= replies.length; each++) {
      const index = indexes[each] as number;
      const reply = replies[(each + 1) * perKey - 1] as Reply;
      if (reply instanceof Error) this.#enterError(index, reply, address);
      else if (this.#question.expects(reply)) this.replies[index] = reply;
      else return false;
    }
    return true;
  }

  #enterError(index: number, error: Error, answering: Address): void {
    const redirection = parseRedirection(error, answering);
    if (redirection === undefined) {
      const fault = faultOfReply(error);
      if (fault.code === "unavailable") this.#topology.doubt();
      this.faults.set(index, fault);
      return;
    }
    const address = this.#topology.translate(redirection.address);
    const { asking } = redirection;
    if (!asking) this.#topology.learn(redirection.slot, address);
    const key = `${asking} ${keyOfAddress(address)}`;
    const part = this.#redirections.get(key);
    if (part === undefined) this.#redirections.set(key, { address, asking, indexes: [index] });
    else part.indexes.push(index);
  }

  /** Whether the master has done it. */
  readonly #isDone = (index: number): boolean => this.#question.expects(this.replies[index] as Reply);

  #fail(indexes: readonly number[], fault: Fault): void {
    for (const index of indexes) this.faults.set(index, fault);
  }
}
