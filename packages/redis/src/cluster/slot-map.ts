import { type Reply, textOf } from "../protocol/reply.js";
import { slotCount } from "./key-slot.js";
import { type Address, keyOfAddress } from "./node-address.js";
import { SlotSet } from "./slot-set.js";

const unowned = 0xffff;

/** A node that serves slots. Its id is empty if only its address is known, for example from a `MOVED` error. */
export interface Master {
  readonly id: string;
  readonly address: Address;
}

/** Maps each slot to the master that serves it. */
export class SlotMap {
  readonly masters: Master[] = [];
  readonly replicas: Address[] = [];
  readonly #owners: Uint16Array = new Uint16Array(slotCount).fill(unowned);
  readonly #indexes: Map<string, number> = new Map();

  /** Returns an index into `masters`, or -1 if no master serves the slot. */
  ownerOf(slot: number): number {
    const owner = this.#owners[slot] as number;
    return owner === unowned ? -1 : owner;
  }

  /** Returns the slots that the master at this address serves. */
  slotsOf(address: Address): SlotSet {
    const slots = new SlotSet();
    const index = this.#indexes.get(keyOfAddress(address));
    this.#owners.forEach((owner, slot) => {
      if (owner === index) slots.add(slot);
    });
    return slots;
  }

  /** Returns the number of slots that no master serves. */
  countUnowned(): number {
    return this.#owners.reduce((count, owner) => count + (owner === unowned ? 1 : 0), 0);
  }

  assign(from: number, to: number, master: Master): void {
    const key = keyOfAddress(master.address);
    const index = this.#indexes.get(key) ?? this.masters.push(master) - 1;
    this.#indexes.set(key, index);
    this.#owners.fill(index, from, to + 1);
  }
}

/**
 * Parses the reply to `CLUSTER SLOTS`. Returns `undefined` if the reply contains no slots.
 * https://redis.io/docs/latest/commands/cluster-slots/
 *
 * @param answering - the address of the node that sent the reply
 * @param translate - returns the address at which this process reaches a node
 */
export function parseSlotMap(
  reply: Reply | undefined,
  answering: Address,
  translate: (address: Address) => Address,
): SlotMap | undefined {
  const map = new SlotMap();
  for (const range of list(reply)) {
    const [from, to, master, ...replicas] = list(range);
    const address = addressOf(master, answering);
    const [first, last] = [Number(from), Number(to)];
    if (address === undefined || !(first >= 0 && last < slotCount)) continue;
    map.assign(first, last, { id: textOf(list(master)[2]) ?? "", address: translate(address) });
    for (const replica of replicas) {
      const other = addressOf(replica, answering);
      if (other !== undefined) map.replicas.push(translate(other));
    }
  }
  return map.masters.length > 0 ? map : undefined;
}

/** Parses `[host, port, id, [name, value, ...]]`. Uses the host of `answering` for `""` and the `ip` value for `?`. */
function addressOf(node: Reply | undefined, answering: Address): Address | undefined {
  const [host, port, , metadata] = list(node);
  if (port === undefined) return undefined;
  const text = textOf(host) ?? "";
  if (text !== "?") return { host: text || answering.host, port: Number(port) };
  const words = list(metadata).map(textOf);
  const ip = words[words.indexOf("ip") + 1];
  return words.includes("ip") && ip ? { host: ip, port: Number(port) } : undefined;
}

function list(reply: Reply | undefined): readonly Reply[] {
  return Array.isArray(reply) ? reply : [];
}
